"""One simulation that sees every member of an ensemble by itself."""

from __future__ import annotations

import numpy as np
import torch
from simpeg import maps
from simpeg.data import Data
from simpeg.simulation import BaseSimulation, LinearSimulation
from simpeg.survey import BaseSurvey

from ..._core.tensors import as_tensor
from ..._problem.simulations import with_map
from ..._tensor_path import adjoint_rows
from ...maps import EnsembleMap


class RepeatedSurvey(BaseSurvey):
    """The data of one survey, once for each member."""

    def __init__(self, n_data: int):
        super().__init__(source_list=[])
        self._n_data = int(n_data)

    @property
    def nD(self):
        """Data of all members."""
        return self._n_data


class EnsembleSimulation(BaseSimulation):
    """Data of all members, one member after the other; the model is that of an :class:`EnsembleMap`.

    Parameters
    ----------
    simulation : simpeg.simulation.BaseSimulation
        Of one member; its map takes its part of the member's properties.
    key : str
        Name of that map.
    part : slice
        Of the properties of one member, all of property 1, then all of property 2.
    ensemble : EnsembleMap
    """

    def __init__(self, simulation, key: str, part: slice, ensemble: EnsembleMap):
        own = getattr(simulation, key)
        n = len(range(*part.indices(ensemble.inr.shape[0])))
        self._one = with_map(simulation, key, own * maps.IdentityMap(nP=n))
        self._part, self._map, self.n_members = part, ensemble, ensemble.n_members
        self._is_linear = own.is_linear and isinstance(simulation, LinearSimulation)
        self._kept_rows = None
        super().__init__(survey=RepeatedSurvey(simulation.survey.nD * self.n_members))

    @property
    def simulations(self) -> list[BaseSimulation]:
        """The simulation of one member, as SimPEG's meta simulations list theirs; data sets are named by it."""
        return [self._one]

    @property
    def device(self) -> torch.device:
        """Where rows come to lie."""
        return self._map.device

    def fields(self, m):
        """Data of all members, (nD,)."""
        return np.concatenate([self._one.dpred(part) for part in self._parts(self._map * m)])

    def dpred(self, m=None, f=None):
        """The fields."""
        return self.fields(m) if f is None else f

    def Jvec(self, m, v, f=None):
        """(nP,) -> (nD,)."""
        moved = self._parts(self._map.deriv(m, v))
        return np.concatenate(
            [self._one.Jvec(at, by) for at, by in zip(self._parts(self._map * m), moved, strict=True)]
        )

    def Jtvec(self, m, v, f=None):
        """(nD,) -> (nP,)."""
        parts = self._parts(self._map * m)
        whole = np.zeros((self.n_members, self._map.inr.shape[0]))
        for row, at, data in zip(whole, parts, np.asarray(v).reshape(self.n_members, -1), strict=True):
            row[self._part] = self._one.Jtvec(at, data)
        return self._map.deriv(m).T @ whole.ravel()

    def member_rows(self, m, weights, members) -> torch.Tensor:
        """Weighted sensitivities of some members to their own parameters, (len(members), n_data, nP / n_members).

        Parameters
        ----------
        m : (nP,) numpy.ndarray
        weights : scipy.sparse matrix
            Diagonal, of all members' data.
        members : sequence of int
        """
        parts = self._parts(self._map * m)
        weights = weights.diagonal().reshape(self.n_members, -1)
        if self._is_linear and (weights == weights[0]).all():
            if self._kept_rows is None:
                self._kept_rows = self._rows(parts[0], weights[0])
            return self._map.member_rows(m, self._kept_rows, members)
        rows = torch.stack([self._rows(parts[e], weights[e]) for e in members])
        return self._map.member_rows(m, rows, members)

    def _rows(self, part, weights):
        """With respect to all properties of a member, (n_data, n_properties n_active)."""
        jacobian = self._one.tensor_jacobian(part)
        units = torch.diag(as_tensor(weights, jacobian.device, jacobian.dtype))
        rows = torch.cat([adjoint_rows(jacobian, some) for some in units.split(256)])
        whole = rows.new_zeros(len(rows), self._map.inr.shape[0])
        whole[:, self._part] = rows
        return whole.to(self._map.device, self._map.dtype)

    def _parts(self, values):
        return [row[self._part] for row in values.reshape(self.n_members, -1)]


def repeated(data, survey: RepeatedSurvey, n_members: int) -> Data:
    """The same data for every member."""
    return Data(
        survey, dobs=np.tile(data.dobs, n_members), standard_deviation=np.tile(data.standard_deviation, n_members)
    )
