"""Guided fuzzy c-means coupling: the properties of every cell lie near one of a few cluster centres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from ..._core.tensors import as_numpy
from .._base import BaseCoupling
from .._linearization import Linearization, random_signs
from ._centers import balance_factors, check_centers, check_guidance, check_scales, updated_centers
from ._settings import ClusterSettings


class GuidedFuzzyCMeans(ClusterSettings, BaseCoupling):
    r"""Guided fuzzy c-means coupling: the properties of every cell lie near a cluster centre.

    .. math::
        \phi = \sum_j \sum_k b_k u_{jk}^q \sum_p w_{jp} V_j \left( \frac{p_{jp} - v_{kp}}{s_p} \right)^2
             + \sum_k \sum_p \eta_{kp} \left( \frac{v_{kp} - t_{kp}}{s_p} \right)^2

    over cells :math:`j`, clusters :math:`k` and properties :math:`p`, with centres :math:`v`, targets :math:`t`, scales
    :math:`s` and fuzziness :math:`q`. The memberships :math:`u_{jk} = 1 / \sum_i (d_{jk} / d_{ji})^{2 / (q - 1)}`
    minimise the sum, where :math:`d` is the weighted distance including :math:`b`. All :math:`b` are 1 unless clusters
    are balanced. A cell whose properties equal a centre contributes nothing.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties, as for :class:`BaseCoupling`.
    centers : (n_clusters, n_properties) array_like
        Initial centres and targets of two or more clusters, in the units of the properties.
    fuzziness : float
        Exponent :math:`q > 1`; 2 is usual. Towards 1 memberships become 0 or 1.
    guidance : float or (n_clusters,) array_like
        Strength with which :meth:`update` holds the centres to their targets;
        :class:`~simpeg_jointdl.directives.UpdateFuzzyClusters` calls it after each iteration. :math:`\eta_{kp}` is the
        guidance times the total weight of all cells divided by the number of clusters, so that a value means the same
        on every mesh. 0 gives free centres, infinity fixed ones.
    scales : (n_properties,) array_like, optional
        Difference that matters in each property; by default the range of the centres.
    balance : float
        Exponent from 0 (off) to 1 that strengthens small clusters; 0.5 is usual. A large background attracts the cells
        between it and a small body, which then shrinks. With a balance above 0, :meth:`update` sets :math:`b_k` to the
        share of the total weight in cluster :math:`k` to this power, scaled to a geometric mean of 1: a cluster with
        fewer cells attracts cells from farther away.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per mesh cell, or the indices of the active cells; by default all cells are active.
    weights : dict of str to array_like, optional
        Weights by name, each of shape ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells and not
        negative; none by default. They are multiplied with each other and with the cell volumes. The
        product of the weights is :math:`w_{jp}`.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32; SimPEG always receives float64.
    random_seed : int
        Seed of the estimated diagonal of the Hessian, where it is an estimate.

    Attributes
    ----------
    centers, targets : (n_clusters, n_properties) numpy.ndarray
        Centres and targets, as copies; `centers` can be set.
    strengths : (n_properties,) numpy.ndarray
        Factor of :math:`w_{jp}` of each property in the sum, but not in the memberships; 1 by default. With other
        strengths the memberships do not minimise the sum, and stay fixed between calls of :meth:`hold_memberships`.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit: fewer than two centres; centres, scales, guidance or strengths of another shape or
        out of range; centres that are all equal in one property, without scales; a fuzziness or balance out of range.
        Also raised at a model that is complex, has another length, or gives a property that is not finite.
    MemoryError
        If the device runs out of memory.

    Notes
    -----
    Memberships follow the model. Where they minimise the sum, its gradient equals the gradient at fixed memberships
    (envelope theorem), and the Gauss-Newton Hessian, also taken at fixed memberships, is an upper bound of the true
    Hessian. It is diagonal in the properties, and its diagonal is exact. Weighted by volume alone this coupling moves
    anomalous mass towards the surface; give it sensitivity weights, as
    :class:`~simpeg_jointdl.directives.EstimateCouplingWeights` does.

    References
    ----------
    Sun, J. and Li, Y. (2016). Joint inversion of multiple geophysical data using guided fuzzy c-means clustering.
    Geophysics, 81, ID37-ID57. https://doi.org/10.1190/geo2015-0457.1

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.regularization import GuidedFuzzyCMeans
    >>> mesh = discretize.TensorMesh([2, 2])
    >>> wires = maps.Wires(("density", 4), ("susceptibility", 4))
    >>> coupling = GuidedFuzzyCMeans(mesh, wires, centers=[[0.0, 0.0], [0.3, 0.05]])
    >>> coupling(np.r_[0, 0.3, 0, 0.3, 0, 0.05, 0, 0.05])
    0.0
    """

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        centers: ArrayLike,
        *,
        fuzziness: float = 2.0,
        guidance: ArrayLike = 1.0,
        scales: ArrayLike | None = None,
        balance: float = 0.0,
        active_cells: ArrayLike | None = None,
        weights: dict[str, ArrayLike] | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        random_seed: int = 0,
    ):
        super().__init__(
            mesh,
            wire_map,
            active_cells=active_cells,
            weights=weights,
            device=device,
            dtype=dtype,
            random_seed=random_seed,
        )
        self._fuzziness = check.number("GuidedFuzzyCMeans.fuzziness", fuzziness, above=1.0, mend="2 is usual.")
        self._targets = check_centers(centers, self.n_properties)
        self._centers = self._targets.copy()
        self._guidance = check_guidance(guidance, self.n_clusters)
        self._scales = check_scales(scales, self._targets)
        self._balance = check.share("GuidedFuzzyCMeans.balance", balance)
        self._factors = np.ones(self.n_clusters)
        self._strengths, self._held = np.ones(self.n_properties), None

    # memberships and centres --------------------------------------------------------------------------
    def memberships(self, model: np.ndarray) -> np.ndarray:
        """Return the memberships at a model, (nP,) -> (n_cells, n_clusters); every row sums to one."""
        with self._guard():
            return as_numpy(self._memberships(self._distances(self.tensor(self.properties(model))))).T

    def hold_memberships(self, model: np.ndarray) -> None:
        """Fix the memberships at those of a model if strengths differ from 1; otherwise they follow the model."""
        self._held = None if (self._strengths == 1.0).all() else self.memberships(model).T
        self._forget()

    def update(self, model: np.ndarray) -> np.ndarray:
        r"""Move the centres to where they minimise the coupling at a model.

        .. math::
            v_{kp} = \frac{\sum_j w_{jp} V_j \, u_{jk}^q \, p_{jp} + \eta_{kp} \, t_{kp}}
                          {\sum_j w_{jp} V_j \, u_{jk}^q + \eta_{kp}}

        with the memberships :math:`u` of this model. A free cluster without any cell keeps its centre. If clusters are
        balanced, the factors :math:`b_k` are updated first, and multiply :math:`u_{jk}^q` here.

        Parameters
        ----------
        model : (nP,) numpy.ndarray
            Whole model.

        Returns
        -------
        (n_clusters, n_properties) numpy.ndarray
            The new centres.
        """
        p = self.tensor(self.properties(model))
        with self._guard():
            weights = self._property_weights()
            if self._balance:
                shares = as_numpy(self._memberships(self._distances(p)) @ weights.mean(0) / weights.mean(0).sum())
                self._factors = balance_factors(shares, self._balance)
            self.hold_memberships(model)
            power = self._power(self._distances(p))  # (n_clusters, n_cells)
            mass, moment = (as_numpy(power @ one.T) for one in (weights, weights * p))
            strength = as_numpy(self._strength())
        free = np.isfinite(self._guidance)
        updated = self._targets.copy()
        updated[free] = updated_centers(*(a[free] for a in (mass, moment, strength, self._targets, self._centers)))
        self.centers = updated
        return self.centers

    def _strength(self):
        """Return η, (n_clusters, n_properties); zero for fixed centres, which stay at their targets."""
        guidance = np.where(np.isfinite(self._guidance), self._guidance, 0.0) / self.n_clusters
        return self.tensor(guidance)[:, None] * self._property_weights().sum(1)

    def _property_weights(self):
        return torch.stack([self.cell_weights([i]) for i in range(self.n_properties)])  # (n_properties, n_cells)

    def _scaled_weights(self, strengths=1.0):
        return self._property_weights() * self.tensor(strengths / self._scales**2)[:, None]

    def _distances(self, p):
        """Return weighted squared distances times the factors of the clusters, (n_clusters, n_cells)."""
        weights = self._scaled_weights()
        distances = torch.stack([(weights * (p - v[:, None]).square()).sum(0) for v in self.tensor(self._centers)])
        return self.tensor(self._factors)[:, None] * distances

    def _power(self, distances):
        """Return b u^q, (n_clusters, n_cells), with the held memberships if there are any."""
        u = self._memberships(distances) if self._held is None else self.tensor(self._held)
        return self.tensor(self._factors)[:, None] * u**self._fuzziness

    def _memberships(self, distances):
        tiny = torch.finfo(self.dtype).tiny
        return torch.softmax(distances.clamp_min(tiny).log() / (1.0 - self._fuzziness), dim=0)

    def _off_target(self):
        """Return the residual of the centres, (n_clusters, n_properties)."""
        return self._strength().sqrt() * self.tensor((self._centers - self._targets) / self._scales)

    # the residual ---------------------------------------------------------------------------------------
    def _residual(self, p):
        power, root = self._power(self._distances(p)).detach(), self._scaled_weights(self._strengths).sqrt()
        cells = [u.sqrt() * root * (p - v[:, None]) for u, v in zip(power, self.tensor(self._centers), strict=True)]
        return torch.cat([torch.stack(cells).ravel(), self._off_target().ravel()])

    def _linearize(self, p):
        power = self._power(self._distances(p))
        weights, centers = self._scaled_weights(self._strengths), self.tensor(self._centers)
        root = (weights * power.sum(0)).sqrt()  # Jᵀ J is diagonal; this is its square root
        cell_values = sum(u * (weights * (p - v[:, None]).square()).sum(0) for u, v in zip(power, centers, strict=True))

        def gradient():
            return weights * (power.sum(0) * p - centers.T @ power)

        return Linearization(
            value=cell_values.sum() + self._off_target().square().sum(),
            gradient=gradient,
            tangent=lambda v: root * v,
            adjoint=lambda y: root * y,
            cell_values=lambda: cell_values,
            probe=lambda generator: random_signs(root.shape, generator, root),
            diagonal=root.square,
        )
