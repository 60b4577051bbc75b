"""Robust data misfits, to be used in place of SimPEG's ``L2DataMisfit`` where the data contain outliers.

=======================  ==================================================================
`HuberDataMisfit`        square of small residuals, absolute value of large ones
`StudentTDataMisfit`     logarithm: large residuals hardly count
=======================  ==================================================================

Both equal ``L2DataMisfit`` for small residuals and take the same trade-off parameters. Under noise alone their value is
less than the number of data (`expected_value`), and outliers add to it. They therefore compute the misfit factor χ
themselves: directives and minimizers of this package use their method `chi`, which leaves outliers out.
"""

from ._base import BaseRobustDataMisfit
from ._huber import HuberDataMisfit
from ._student_t import StudentTDataMisfit

__all__ = ["BaseRobustDataMisfit", "HuberDataMisfit", "StudentTDataMisfit"]
