"""Joint inversion and deep learning for SimPEG.

========================  =====================================================
`regularization`          couplings between physical properties
`diagnostics`             what models have in common
`data`                    measured data: gravity, magnetics, magnetotellurics
`io`                      files in and out
`data_misfit`             misfits that outliers do not rule
`directives`              weights, cooling and preconditioning of a joint run
`datasets`                synthetic surveys and loaders of public field data
`electromagnetics`        magnetotellurics over layered columns, all stations at once
`maps`                    networks as models: implicit representations, learned priors
`networks`                networks, and their weights as files that can be trusted
`optimization`            minimizers beside SimPEG's own
`plotting`                figures of models, data fit and convergence
`potential_fields`        gravity and magnetics that take the place of SimPEG's
`recipes`                 ready-made inversions from a few arguments
`testing`                 contract checks for couplings, usable by other plugins
========================  =====================================================
"""

from importlib.metadata import version

from . import (
    data,
    data_misfit,
    datasets,
    diagnostics,
    directives,
    electromagnetics,
    io,
    maps,
    networks,
    optimization,
    plotting,
    potential_fields,
    recipes,
    regularization,
    testing,
)

__version__ = version("simpeg_jointdl")

__all__ = [
    "data",
    "data_misfit",
    "datasets",
    "diagnostics",
    "directives",
    "electromagnetics",
    "io",
    "maps",
    "networks",
    "optimization",
    "plotting",
    "potential_fields",
    "recipes",
    "regularization",
    "testing",
]
