"""A simulation of the data of all members of an ensemble."""

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
    """Survey whose data are those of one survey, once for each member.

    Parameters
    ----------
    n_data : int
        Number of data of all members.
    """

    def __init__(self, n_data: int):
        super().__init__(source_list=[])
        self._n_data = int(n_data)

    @property
    def nD(self):
        """Number of data of all members."""
        return self._n_data


class EnsembleSimulation(BaseSimulation):
    """Simulation of the data of all members; the model is that of an :class:`EnsembleMap`.

    Parameters
    ----------
    simulation : simpeg.simulation.BaseSimulation
        Simulation of one member; its map takes some of the member's properties.
    map_name : str
        Name of that map.
    part : slice
        Which of the values of one member it takes; these are all cells of property 1, then all cells of property 2.
    ensemble : EnsembleMap
        Map from the weights of all members to their properties.
    """

    def __init__(self, simulation: BaseSimulation, map_name: str, part: slice, ensemble: EnsembleMap):
        own = getattr(simulation, map_name)
        n = len(range(*part.indices(ensemble.inr.shape[0])))
        self._one = with_map(simulation, map_name, own * maps.IdentityMap(nP=n))
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
        """Device of the rows of the sensitivities."""
        return self._map.device

    def fields(self, m):
        """Predict the data of all members, (nP,) -> (nD,)."""
        return np.concatenate([self._one.dpred(part) for part in self._parts(self._map * m)])

    def dpred(self, m=None, f=None):
        """Predict the data of all members, which are the fields, (nP,) -> (nD,)."""
        return self.fields(m) if f is None else f

    def Jvec(self, m, v, f=None):
        """Multiply the sensitivities by a vector, (nP,) -> (nD,)."""
        moved = self._parts(self._map.deriv(m, v))
        return np.concatenate(
            [self._one.Jvec(at, by) for at, by in zip(self._parts(self._map * m), moved, strict=True)]
        )

    def Jtvec(self, m, v, f=None):
        """Multiply the transposed sensitivities by a vector, (nD,) -> (nP,)."""
        parts = self._parts(self._map * m)
        whole = np.zeros((self.n_members, self._map.inr.shape[0]))
        for row, at, data in zip(whole, parts, np.asarray(v).reshape(self.n_members, -1), strict=True):
            row[self._part] = self._one.Jtvec(at, data)
        return self._map.deriv(m).T @ whole.ravel()

    def member_rows(self, m, weights, members) -> torch.Tensor:
        """Return weighted sensitivities of some members with respect to their own parameters.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Weights of all members.
        weights : scipy.sparse matrix
            Diagonal matrix over the data of all members.
        members : sequence of int
            Numbers of the members.

        Returns
        -------
        (len(members), n_data, nP / n_members) torch.Tensor
            Sensitivities of each member's data.
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
        """Weighted sensitivities with respect to all properties of a member, (n_data, n_properties * n_active)."""
        jacobian = self._one.tensor_jacobian(part)
        units = torch.diag(as_tensor(weights, jacobian.device, jacobian.dtype))
        rows = torch.cat([adjoint_rows(jacobian, some) for some in units.split(256)])
        whole = rows.new_zeros(len(rows), self._map.inr.shape[0])
        whole[:, self._part] = rows
        return whole.to(self._map.device, self._map.dtype)

    def _parts(self, values):
        return [row[self._part] for row in values.reshape(self.n_members, -1)]


def repeated(data, survey: RepeatedSurvey, n_members: int) -> Data:
    """Return the same data for every member."""
    return Data(
        survey, dobs=np.tile(data.dobs, n_members), standard_deviation=np.tile(data.standard_deviation, n_members)
    )
