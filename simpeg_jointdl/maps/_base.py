"""A torch module as a SimPEG map: its parameters are the model."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, DTypeLike
from scipy.sparse.linalg import LinearOperator
from simpeg.maps import IdentityMap
from torch import nn
from torch.func import functional_call

from .._core.operators import JacobianOperator
from .._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device, resolve_dtype
from ..networks import load_weights, save_weights
from ._checks import as_tuple, check_behaviour, check_module, check_size, checked_model, trainable_names
from ._linearization import Linearization, Parameters, Raveled
from ._seeds import drawn_afresh


class TorchMap(IdentityMap):
    r"""The outputs of a torch module as physical properties, its parameters as the model vector.

    .. math::
        \mathbf u(\mathbf m) = f_{\boldsymbol\theta = \mathbf m}(\mathbf x)

    An implicit representation, the decoder of a learned prior or a network under fine-tuning is to SimPEG this map.
    It composes with any other map, on either side, and with every simulation, regularization and coupling.

    Parameters
    ----------
    module : torch.nn.Module
        Copied; yours is left as it is. Layers such as dropout and batch norm must be in evaluation mode.
    inputs : array, torch.Tensor or tuple of these, optional
        What the module is called with. Floating-point ones are brought to `dtype`.
    frozen : sequence of str, optional
        Parameters that keep their values: names, or patterns such as ``"encoder.*"``. So do those that do not
        require gradients.
    n_values : int, optional
        How many values the module must give, such as the number of active cells; checked at once.
    dense_derivative : bool
        Make :meth:`deriv` a sparse matrix in form, full in fact. SimPEG's finite-volume simulations (DC, EM, flow) on
        tensor and tree meshes take nothing else; everything else is better served without.
    device : str or torch.device, optional
        Torch's default device when not given.
    dtype : optional
        float64 (default) or float32, of the module and its inputs. SimPEG sees float64 all the same.

    Attributes
    ----------
    names : tuple of str
        The module's parameters in the model vector, in this order.
    device, dtype : torch.device, torch.dtype
        Where the module is, and what it computes in.

    Raises
    ------
    TypeError, ValueError
        For modules without parameters, in training mode, with in-place operations that spoil derivatives, at random,
        or with outputs that are not finite or not as many as asked for. Later, for a model of another length.
    FloatingPointError, MemoryError
        At a model, where it or its outputs are not finite, or the device has no memory left.

    Notes
    -----
    The map is linearised once per model: its value, its derivative and all products at the same model share one
    forward pass. :meth:`deriv` is a linear operator, known by its products only, that adds to and multiplies with
    SimPEG's sparse matrices; a simulation's ``getJtJdiag`` through it is a seeded, unbiased estimate where it has more
    than 64 rows and columns.

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
            parameter.requires_grad_(False)  # derivatives are with respect to the model vector, not to these
        self._pieces = self._split(tuple(self._as_input(one) for one in as_tuple(inputs)))
        self._kept: tuple[np.ndarray, Linearization] | None = None
        self.dense_derivative: bool = bool(dense_derivative)
        self._n_values = self._checked_size(n_values)
        super().__init__(mesh=None, nP=sum(self._parameters.sizes))

    # settings -------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, int]:
        """Values and parameters."""
        return self._n_values, self.nP

    @property
    def is_linear(self) -> bool:
        """False."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters of the module in the model vector."""
        return self._parameters.names

    # value and derivative -------------------------------------------------------------------------------
    def _transform(self, m):
        return as_numpy(self.linearization(m).outputs.ravel()).copy()

    def deriv(
        self, m: ArrayLike, v: ArrayLike | sp.spmatrix | LinearOperator | None = None
    ) -> JacobianOperator | sp.csr_matrix | np.ndarray:
        r"""Derivative :math:`\partial \mathbf u / \partial \mathbf m`, by its products.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
        v : (nP,) numpy.ndarray, sparse matrix or operator, optional
            What the derivative is multiplied by.

        Returns
        -------
        Linear operator of shape (n_values, nP), or its product with `v`; a csr_matrix if `dense_derivative`.
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
        """The module at a model: outputs and products as tensors; the last one is kept.

        Parameters
        ----------
        m : (nP,) array_like

        Raises
        ------
        ValueError
            If the model has another length.
        FloatingPointError
            If it, or what the module makes of it, is not finite. Our minimizers take that for a step too far.
        """
        who = type(self).__name__
        m = checked_model(who, m, self.nP)
        if self._kept is None or not np.array_equal(self._kept[0], m):
            self._kept = None  # its graph is freed before another is built
            with explain_out_of_memory(who, self.device):
                at = self._linearize(self._tensor(m))
            if not torch.isfinite(at.outputs).all():
                source = "the model itself holds" if not np.isfinite(m).all() else "its outputs at this model hold"
                msg = (
                    f"{who}: {source} NaN or infinite values. A smaller step or learning rate, or bounds on the "
                    "outputs, keep them finite."
                )
                raise FloatingPointError(msg)
            self._kept = m.copy(), at
        return self._kept[1]

    def tensor_derivative(self, m: ArrayLike) -> Raveled:
        """The derivative on the device: ``tangent`` (nP,) -> (n_values,), ``adjoint`` back, ``device``, ``dtype``."""
        return Raveled(self.linearization(m))

    # models and modules ---------------------------------------------------------------------------------
    def initial_model(self, random_seed: int | None = None) -> np.ndarray:
        """Parameters to start from.

        Parameters
        ----------
        random_seed : int, optional
            Draws every layer that has ``reset_parameters`` afresh. Without it, the parameters as they were given.

        Returns
        -------
        (nP,) numpy.ndarray

        Raises
        ------
        ValueError
            If a seed is given and some parameter of the model belongs to a module that cannot draw it.
        """
        module = self._module
        if random_seed is not None:
            module = drawn_afresh(module, random_seed, self.names, type(self).__name__)
        return as_numpy(self._parameters.join(module)).copy()

    def module_from(self, m: ArrayLike) -> nn.Module:
        """A copy of the module with the parameters of a model, of shape (nP,); those frozen require no gradients."""
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

    def save(self, path: str | PathLike[str], m: ArrayLike, **card: Any) -> None:
        """Write the module with the parameters of a model as safetensors, with a card beside it.

        Parameters
        ----------
        path : str or pathlib.Path
        m : (nP,) array_like
        **card
            What to say about it: data, seed, metrics.
        """
        about = {"architecture": type(self.module_from(m)).__name__, "map": type(self).__name__}
        save_weights(path, self._filled(m), about | card)

    def load(self, path: str | PathLike[str]) -> np.ndarray:
        """The model of which a file holds the module, (nP,); frozen parameters take the file's values, too.

        Raises
        ------
        ValueError
            If it is of another architecture, damaged, or not a safetensors file.
        FileNotFoundError
            If there is none.
        """
        module = copy.deepcopy(self._module)
        load_weights(path, module)
        self._module, self._kept = module, None
        return as_numpy(self._parameters.join(module)).copy()

    # within ---------------------------------------------------------------------------------------------
    def _linearize(self, vector) -> Linearization:
        return Linearization(self._module, self._parameters, self._pieces, vector)

    def _split(self, inputs: tuple[torch.Tensor, ...]) -> list[tuple[torch.Tensor, ...]]:
        """Inputs in pieces that are evaluated one by one; a module may need all at once."""
        return [inputs]

    def _as_input(self, one):
        if isinstance(one, torch.Tensor):
            tensor = one.detach().to(self.device, copy=True)
        else:
            tensor = as_tensor(one, self.device).clone()
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def _tensor(self, array):
        return as_tensor(array, self.device, self.dtype)

    def _checked_size(self, n_values):
        who = type(self).__name__
        vector = self._parameters.join(self._module).requires_grad_()
        first = self._pieces[0]
        outputs = check_behaviour(
            who,
            lambda: functional_call(self._module, self._parameters.split(vector), first),
            first,
            self._module,
        )
        # pieces are rows of the inputs, and each row gives as many values
        rows = sum(len(piece[0]) for piece in self._pieces) / len(first[0]) if len(self._pieces) > 1 else 1
        return check_size(who, outputs, round(outputs.numel() * rows), n_values)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_kept": None}  # a graph cannot be copied
