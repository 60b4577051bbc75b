"""The contract checks themselves: each one finds the fault it is for."""

import discretize
import numpy as np
import pytest
import torch

from simpeg_jointdl import testing
from simpeg_jointdl._core.operators import JacobianOperator
from simpeg_jointdl.regularization import BaseCoupling, CrossGradient
from tests.registry import make_model, make_wires

MESH = discretize.TensorMesh([4, 3])
WIRES, MODEL = make_wires(12, 2), make_model(12, 2)


class Product(BaseCoupling):
    """The least coupling there is, all derivatives by autodiff: Σ V (p₁ p₂)²."""

    def _residual(self, p):
        return self.cell_weights().sqrt() * p[0] * p[1]


class CellsDoubled(Product):
    def cell_values(self, model):
        return 2.0 * super().cell_values(model)


class ValueIsNumpy(Product):
    def __call__(self, model):
        return np.float64(super().__call__(model))


class GradientHalved(Product):
    def deriv(self, model):
        return 0.5 * super().deriv(model)


class HessianLopsided(Product):
    def deriv2(self, model, v=None):
        if v is None:
            return super().deriv2(model)
        return super().deriv2(model, v) + np.triu(np.ones((self.nP, self.nP))) @ v


class DiagonalBiased(Product):
    def hessian_diagonal(self, model):
        return 1.2 * super().hessian_diagonal(model)


class DiagonalWrong(CrossGradient):
    def hessian_diagonal(self, model):
        return 1.0001 * super().hessian_diagonal(model)


class WritesToModel(Product):
    def deriv(self, model):
        gradient = super().deriv(model)
        model += 1e-9
        return gradient


class HandsOutItsOwn(Product):
    kept = None

    def cell_values(self, model):
        self.kept = super().cell_values(model) if self.kept is None else self.kept
        return self.kept


class ClosedFormWrong(Product):
    def _linearize(self, p):
        at = super()._linearize(p)
        return type(at)(**{**vars(at), "adjoint": lambda y: 1.01 * at.adjoint(y)})


def test_a_coupling_by_autodiff_alone_passes(device, dtype):
    testing.check_coupling(Product(MESH, WIRES, device=device, dtype=dtype), MODEL)


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (ValueIsNumpy, "value: got float64, wanted float"),
        (CellsDoubled, "cell_values: their sum is"),
        (GradientHalved, "gradient: the Taylor remainder has order"),
        (HessianLopsided, "Hessian product, against autodiff"),
        (ClosedFormWrong, "Hessian product, against autodiff"),
        (DiagonalBiased, "hessian_diagonal: the mean of 60 estimates"),
        (DiagonalWrong, "hessian_diagonal, said to be exact: entry"),
        (WritesToModel, "wrote to the model it was given"),
    ],
)
def test_a_broken_coupling_is_found(broken, match):
    with pytest.raises(AssertionError, match=match):
        testing.check_coupling(broken(MESH, WIRES), MODEL)


def test_results_must_belong_to_the_caller():
    with pytest.raises(AssertionError, match="cell_values, called again after its result was written to"):
        testing.check_ownership(HandsOutItsOwn(MESH, WIRES), MODEL)


def test_nan_is_never_close():
    with pytest.raises(AssertionError, match=r"thing: entry \(1,\) is .*nan"):
        testing.check_close([1.0, np.nan], [1.0, 2.0], 1e3, "thing")
    with pytest.raises(AssertionError, match=r"got shape \(2,\), wanted \(3,\)"):
        testing.check_close(np.ones(2), np.ones(3), 0.1, "thing")


def test_taylor_check_takes_linear_functions():
    a = np.arange(1.0, 6.0)
    testing.check_derivative_order(lambda m: a @ m, lambda m: a, np.ones(5))


def test_operators_of_any_shape():
    dense = np.random.default_rng(0).standard_normal((7, 4))
    operator = JacobianOperator(dense.shape, lambda v: dense @ v, lambda u: dense.T @ u)
    testing.check_operator(operator, dense)
    with pytest.raises(AssertionError, match="A @ v"):
        testing.check_operator(operator, dense * 1.001)


def test_float32_couplings_are_held_to_what_float32_can():
    testing.check_coupling(CrossGradient(MESH, WIRES, dtype=torch.float32), MODEL)
