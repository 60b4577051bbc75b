"""Data misfits in the place of SimPEG's ``L2DataMisfit`` where some data are far off.

=======================  ==================================================================
`HuberDataMisfit`        squares of small residuals, absolute values of large ones
`StudentTDataMisfit`     logarithms: residuals far off hardly count
=======================  ==================================================================

Both equal ``L2DataMisfit`` for small residuals, so they take its place with the same trade-off parameters. What noise
alone makes of their value is less than the number of data (`expected_value`), and outliers add to it, so they say
themselves what χ is: directives and minimizers of this package ask their `chi`, which leaves outliers out.
"""

from ._base import BaseRobustDataMisfit
from ._huber import HuberDataMisfit
from ._student_t import StudentTDataMisfit

__all__ = ["BaseRobustDataMisfit", "HuberDataMisfit", "StudentTDataMisfit"]
