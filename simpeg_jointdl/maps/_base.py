"""A torch module as a SimPEG map: its parameters are the model vector."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap
from torch import nn
from torch.func import functional_call

from .._core.operators import JacobianOperator
from .._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device, resolve_dtype
from ..networks import load_weights, save_weights
from ._checks import as_tuple, check_module, check_size, checked_model, trainable_names
from ._linearization import Linearization, Parameters, Raveled
from ._seeds import drawn_afresh


class TorchMap(IdentityMap):
    r"""Physical properties as the outputs of a torch module whose parameters are the model vector.

    .. math::
        \mathbf u(\mathbf m) = f_{\boldsymbol\theta = \mathbf m}(\mathbf x)

    Implicit representations, decoders of learned priors and networks under fine-tuning are such maps. A map can be
    combined with any other map, on either side, and with every simulation, regularization and coupling.

    Parameters
    ----------
    module : torch.nn.Module
        Module, which is copied. Layers such as dropout and batch norm must be in evaluation mode.
    inputs : array_like, torch.Tensor or tuple of these, optional
        Arguments of the module. Floating-point arguments are converted to `dtype`.
    frozen : sequence of str, optional
        Parameters that keep their values, as names or patterns such as ``"encoder.*"``. Parameters that do not require
        gradients are always frozen.
    n_values : int, optional
        Number of values that the module must return, such as the number of active cells.
    dense_derivative : bool
        Whether :meth:`deriv` returns the full derivative in the form of a sparse matrix. SimPEG's finite-volume
        simulations (DC, EM, flow) on tensor and tree meshes need it; everything else is faster without.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the module and its inputs, float64 (default) or float32; SimPEG always receives float64.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters in the model vector, in this order.
    device : torch.device
        Device of the module.
    dtype : torch.dtype
        Precision of the module.

    Raises
    ------
    TypeError, ValueError
        If the module has no parameters, is in training mode, has in-place operations that break derivatives, is random,
        or returns values that are not finite or of another number. Also raised at a model of another length.
    FloatingPointError
        If a model or its outputs are not finite.
    MemoryError
        If the device runs out of memory.

    Notes
    -----
    The map is linearized once per model: its value, its derivative and all products at the same model share one forward
    pass. :meth:`deriv` is a linear operator that is known only by its products with vectors. It can be added to and
    multiplied with SimPEG's sparse matrices. If it has more than 64 rows and columns, a simulation's ``getJtJdiag``
    with this map is an unbiased stochastic estimate with a fixed seed.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from simpeg_jointdl import maps
    >>> depth = np.linspace(0, 1, 20)[:, None]
    >>> network = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    >>> column = maps.TorchMap(network, depth)
    >>> column.shape, (column * column.initial_model(random_seed=0)).shape
    ((20, 25), (20,))
    """

    device: torch.device
    dtype: torch.dtype
    dense_derivative: bool

    def __init__(
        self,
        module: nn.Module,
        inputs: ArrayLike | torch.Tensor | Sequence[ArrayLike | torch.Tensor] = (),
        *,
        frozen: Sequence[str] = (),
        n_values: int | None = None,
        dense_derivative: bool = False,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        who = type(self).__name__
        check_module(who, module)
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self._module = copy.deepcopy(module).to(self.device, self.dtype)
        self._parameters = Parameters.of(self._module, trainable_names(who, self._module, frozen))
        for parameter in self._module.parameters():
            parameter.requires_grad_(False)  # derivatives are taken with respect to the model vector
        self._pieces = self._split(tuple(self._as_input(one) for one in as_tuple(inputs)))
        self._kept: tuple[np.ndarray, Linearization] | None = None
        self.dense_derivative = bool(dense_derivative)
        self._n_values = self._checked_size(n_values)
        super().__init__(mesh=None, nP=sum(self._parameters.sizes))

    # settings -------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of values and of parameters."""
        return self._n_values, self.nP

    @property
    def is_linear(self) -> bool:
        """Always False."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in the model vector."""
        return self._parameters.names

    # value and derivative -------------------------------------------------------------------------------
    def _transform(self, m):
        return as_numpy(self.linearization(m).outputs.ravel()).copy()

    def deriv(self, m: np.ndarray, v: Any = None) -> Any:
        r"""Return the derivative :math:`\partial \mathbf u / \partial \mathbf m`, or its product with `v`.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Model.
        v : (nP,) numpy.ndarray, sparse matrix or operator, optional
            Vector or matrix to multiply by.

        Returns
        -------
        JacobianOperator, scipy.sparse.csr_matrix or numpy.ndarray
            Linear operator of shape (n_values, nP), a csr_matrix if `dense_derivative`, or the product with `v`.
        """
        at = self.linearization(m)
        shape = at.outputs.shape
        if self.dense_derivative and v is None:
            return sp.csr_matrix(as_numpy(at.dense()))

        def forward(v):
            return as_numpy(at.tangent(self._tensor(v)).ravel())

        def backward(y):
            return as_numpy(at.adjoint(self._tensor(y).view(shape)))

        operator = JacobianOperator(self.shape, forward, backward)
        return operator if v is None else operator @ v

    def linearization(self, m: ArrayLike) -> Linearization:
        """Return outputs and products of the derivative at a model (nP,), as tensors; the last ones are kept.

        Raises
        ------
        ValueError
            If the model has another length.
        FloatingPointError
            If the model or the outputs are not finite. The minimizers of this package then shorten the step.
        """
        who = type(self).__name__
        m = checked_model(who, m, self.nP)
        if self._kept is None or not np.array_equal(self._kept[0], m):
            self._kept = None  # free its graph before another one is built
            with explain_out_of_memory(who, self.device):
                at = self._linearize(self._tensor(m))
            if not torch.isfinite(at.outputs).all():
                source = "the model contains" if not np.isfinite(m).all() else "its outputs at this model contain"
                msg = (
                    f"{who}: {source} NaN or infinite values. Use a smaller step or learning rate, or bounds on the "
                    "outputs."
                )
                raise FloatingPointError(msg)
            self._kept = m.copy(), at
        return self._kept[1]

    def tensor_derivative(self, m: ArrayLike) -> Raveled:
        """Return the derivative on the device, with ``tangent`` (nP,) -> (n_values,) and ``adjoint`` back."""
        return Raveled(self.linearization(m))

    # models and modules ---------------------------------------------------------------------------------
    def initial_model(self, random_seed: int | None = None) -> np.ndarray:
        """Return a starting model.

        Parameters
        ----------
        random_seed : int, optional
            Seed to initialize every layer that has ``reset_parameters`` anew. Without a seed, the parameters are those
            of the given module.

        Returns
        -------
        (nP,) numpy.ndarray
            Starting model.

        Raises
        ------
        ValueError
            If a seed is given and a parameter belongs to a module without ``reset_parameters``.
        """
        module = self._module
        if random_seed is not None:
            module = drawn_afresh(module, random_seed, self.names, type(self).__name__)
        return as_numpy(self._parameters.join(module)).copy()

    def module_from(self, m: ArrayLike) -> nn.Module:
        """Return a copy of the module with the parameters of a model (nP,); frozen ones require no gradients."""
        return self._filled(m)

    def _filled(self, m):
        module = copy.deepcopy(self._module)
        values = self._parameters.split(self._tensor(checked_model(type(self).__name__, m, self.nP)))
        known = dict(module.named_parameters())
        with torch.no_grad():
            for name, value in values.items():
                known[name].copy_(value)
        for name in values:
            known[name].requires_grad_()
        return module

    def save(self, path: str | os.PathLike[str], m: ArrayLike, **card: Any) -> None:
        """Write the module with the parameters of a model to a safetensors file, with a card beside it.

        Parameters
        ----------
        path : str or path
            File to write.
        m : (nP,) array_like
            Model.
        **card
            Entries of the card, such as data, seed and metrics.
        """
        about = {"architecture": type(self.module_from(m)).__name__, "map": type(self).__name__}
        save_weights(path, self._filled(m), about | card)

    def load(self, path: str | os.PathLike[str]) -> np.ndarray:
        """Return the model of a saved module, and set frozen parameters to the values of the file.

        Raises
        ------
        ValueError
            If the file belongs to another architecture, is damaged, or is not a safetensors file.
        FileNotFoundError
            If there is no such file.
        """
        module = copy.deepcopy(self._module)
        load_weights(path, module)
        self._module, self._kept = module, None
        return as_numpy(self._parameters.join(module)).copy()

    # internals ------------------------------------------------------------------------------------------
    def _linearize(self, vector) -> Linearization:
        return Linearization(self._module, self._parameters, self._pieces, vector)

    def _split(self, inputs: tuple[torch.Tensor, ...]) -> list[tuple[torch.Tensor, ...]]:
        """Return the inputs in pieces that are evaluated one after the other; by default one piece."""
        return [inputs]

    def _as_input(self, one):
        if isinstance(one, torch.Tensor):
            tensor = one.detach().to(self.device, copy=True)
        else:
            tensor = as_tensor(one, self.device).clone()
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def _tensor(self, array):
        return as_tensor(array, self.device, self.dtype)

    def _checked_size(self, n_values: int | None) -> int:
        vector = self._parameters.join(self._module).requires_grad_()

        def evaluate():
            return functional_call(self._module, self._parameters.split(vector), self._pieces[0])

        return check_size(type(self).__name__, evaluate, self._pieces, self._module, n_values)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_kept": None}  # a graph cannot be copied
