"""Petrophysical coupling: the properties of every cell gather around a few points."""

from __future__ import annotations

import numpy as np
import torch

from ..._core.tensors import as_numpy
from .._base import BaseCoupling
from .._linearization import Linearization, random_signs
from ._checks import check_centers, check_guidance, check_scales


class GuidedFuzzyCMeans(BaseCoupling):
    r"""Guided fuzzy c-means coupling: properties gather around cluster centres.

    .. math::
        \phi = \sum_j \sum_k b_k u_{jk}^q \sum_p w_{jp} V_j \left( \frac{p_{jp} - v_{kp}}{s_p} \right)^2
             + \sum_k \sum_p \eta_{kp} \left( \frac{v_{kp} - t_{kp}}{s_p} \right)^2

    over cells :math:`j`, clusters :math:`k` and properties :math:`p`, with centres :math:`v`, targets :math:`t`, scales
    :math:`s`, fuzziness :math:`q`, and memberships :math:`u_{jk} = 1 / \sum_i (d_{jk} / d_{ji})^{2 / (q - 1)}` that
    minimise it, :math:`d` being the weighted distance with its :math:`b`, which are all 1 unless clusters are balanced.
    Cells that sit on a centre cost nothing.

    Parameters
    ----------
    mesh, wire_map, random_seed
        See :class:`BaseCoupling`.
    centers : (n_clusters, n_properties) array_like
        Where clusters start and where guided ones are drawn to, in the units of the properties. Two or more.
    fuzziness : float
        :math:`q > 1`; 2 is usual, towards 1 memberships become 0 or 1.
    guidance : float or (n_clusters,) array_like
        How strongly :meth:`update` (which :class:`~simpeg_jointdl.directives.UpdateFuzzyClusters` calls after each
        iteration) is held to the targets: :math:`\eta_{kp}` is this times the total weight of all cells over the number
        of clusters, so it means the same on every mesh. 0: free centres; infinity: fixed ones.
    balance : float
        Small bodies shrink beside a large background, whose pull reaches every cell between. With a balance above 0
        :meth:`update` sets :math:`b_k` to the share of all cells' weight that cluster :math:`k` holds, to this power
        and with geometric mean 1: the fewer cells a cluster has, the farther it reaches. 0: never; 0.5: usual; up to 1.
    scales : (n_properties,) array_like, optional
        Units in which properties are compared; the range of the centres when not given.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per cell of the mesh, or the indices of the active ones; all cells when not given.
    weights : dict, optional
        ``{name: array}``, each ``(n_cells,)`` or, by property, ``(n_cells, n_properties)`` over the active cells, not
        negative; none when not given. They multiply each other, to :math:`w_{jp}`, and the cell volumes.
    device, dtype : optional
        Torch's default device when not given; float64 (default) or float32.

    Attributes
    ----------
    centers, targets : (n_clusters, n_properties) numpy.ndarray
        Copies; `centers` can be set.
    strengths : (n_properties,) numpy.ndarray
        How strongly each property is drawn, 1 unless set: a factor of its :math:`w_{jp}` in the sum, but not in the
        memberships. These no longer minimise it then, and are held from one :meth:`hold_memberships` to the next.

    Raises
    ------
    TypeError, ValueError, MemoryError
        For what :class:`BaseCoupling` refuses; fewer than two centres, or centres, scales, guidance or strengths that
        are out of range or not of the shapes above; centres all alike in one property, without scales; a fuzziness or
        balance out of range. Later, for a model that is complex, of another length, or makes properties not finite.

    Notes
    -----
    Memberships follow the model. Where they minimise the sum, its gradient is that at fixed memberships (envelope
    theorem), and the Gauss-Newton Hessian, taken at fixed memberships too, bounds the true one from above. In the
    properties it is diagonal, and exact as such. Weighted by volume alone this coupling pushes mass upwards, where data
    least object; give it sensitivity weights, as :class:`~simpeg_jointdl.directives.EstimateCouplingWeights` does.

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
        self, mesh, wire_map, centers, *, fuzziness: float = 2.0, guidance=1.0, scales=None, balance=0.0, **kwargs
    ):
        super().__init__(mesh, wire_map, **kwargs)
        if not 1.0 < float(fuzziness) < np.inf:
            msg = f"GuidedFuzzyCMeans.fuzziness: got {fuzziness!r}, wanted a finite number above 1; 2 is usual."
            raise ValueError(msg)
        self._fuzziness = float(fuzziness)
        self._targets = check_centers(centers, self.n_properties)
        self._centers = self._targets.copy()
        self._guidance = check_guidance(guidance, self.n_clusters)
        self._scales = check_scales(scales, self._targets)
        if not 0.0 <= float(balance) <= 1.0:
            msg = f"GuidedFuzzyCMeans.balance: got {balance!r}, wanted a number from 0 (none) to 1."
            raise ValueError(msg)
        self._balance = float(balance)
        self._factors = np.ones(self.n_clusters)
        self._strengths, self._held = np.ones(self.n_properties), None

    # settings -----------------------------------------------------------------------------------------
    @property
    def centers(self) -> np.ndarray:
        """Current centres, (n_clusters, n_properties)."""
        return self._centers.copy()

    @centers.setter
    def centers(self, value):
        value = check_centers(value, self.n_properties)
        if value.shape != self._targets.shape:
            msg = f"GuidedFuzzyCMeans.centers: got shape {value.shape}, wanted {self._targets.shape}."
            raise ValueError(msg)
        self._centers = value
        self._forget()

    def set_clusters(self, centers, guidance=None):
        """Replace the clusters, their number included: these are the new centres and targets.

        Parameters
        ----------
        centers : (n_clusters, n_properties) array_like
            Scales stay, and with them what the coupling weighs; clusters of another number are balanced anew.
        guidance : float or (n_clusters,) array_like, optional
            The same as before if not given, which with another number takes one that was the same for all.
        """
        targets = check_centers(centers, self.n_properties)
        if guidance is None:
            is_one = len(np.unique(self._guidance)) == 1
            guidance = self._guidance[0] if is_one else self._guidance
        guidance = check_guidance(guidance, len(targets))
        if len(targets) != self.n_clusters:
            self._factors = np.ones(len(targets))
        self._targets, self._guidance, self._held = targets, guidance, None
        self.centers = targets

    @property
    def targets(self) -> np.ndarray:
        """What guided centres are drawn to, (n_clusters, n_properties)."""
        return self._targets.copy()

    def checkpoint_state(self) -> dict:
        """What a checkpoint keeps: what moves with the model."""
        state = {"centers": self.centers, "targets": self.targets, "guidance": self.guidance, "held": self._held}
        return state | {"factors": self._factors.copy(), "strengths": self.strengths}

    def restore_checkpoint_state(self, state: dict):
        """Put back what :meth:`checkpoint_state` gave."""
        self.set_clusters(state["targets"], state.get("guidance"))
        self._factors = np.array(state.get("factors", np.ones(self.n_clusters)))
        self._strengths, self._held = np.array(state.get("strengths", self._strengths)), state.get("held")
        self.centers = state["centers"]

    @property
    def strengths(self) -> np.ndarray:
        """How strongly each property is drawn, (n_properties,); finite, above 0."""
        return self._strengths.copy()

    @strengths.setter
    def strengths(self, value):
        value = np.array(value, dtype=float)
        if value.shape != (self.n_properties,) or not (np.isfinite(value) & (value > 0)).all():
            msg = f"GuidedFuzzyCMeans.strengths: got {value}, wanted {self.n_properties} finite numbers above 0."
            raise ValueError(msg)
        self._strengths = value
        self._forget()

    @property
    def fuzziness(self) -> float:
        """Exponent q of the memberships."""
        return self._fuzziness

    @property
    def balance(self) -> float:
        """Power with which small clusters are helped, 0 to 1."""
        return self._balance

    @property
    def guidance(self) -> np.ndarray:
        """Strength with which each centre is held to its target, (n_clusters,)."""
        return self._guidance.copy()

    @property
    def scales(self) -> np.ndarray:
        """Unit in which each property is compared, (n_properties,)."""
        return self._scales.copy()

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self._targets)

    # memberships and centres --------------------------------------------------------------------------
    def memberships(self, model) -> np.ndarray:
        """Memberships at a model, (nP,) -> (n_cells, n_clusters); every row sums to one."""
        with self._guard():
            return as_numpy(self._memberships(self._distances(self.tensor(self.properties(model))))).T

    def hold_memberships(self, model):
        """Hold the memberships at a model from here on, if properties have strengths; else they follow."""
        self._held = None if (self._strengths == 1.0).all() else self.memberships(model).T
        self._forget()

    def update(self, model) -> np.ndarray:
        r"""Move the centres to where they minimise the coupling at a model, (nP,) -> (n_clusters, n_properties).

        .. math::
            v_{kp} = \frac{\sum_j w_{jp} V_j \, u_{jk}^q \, p_{jp} + \eta_{kp} \, t_{kp}}
                          {\sum_j w_{jp} V_j \, u_{jk}^q + \eta_{kp}}

        Of this model are the memberships, too. A free cluster without any cell stays where it is. If clusters are
        balanced (then the masses above carry :math:`b_k`), the :math:`b` follow, before the centres.
        """
        p = self.tensor(self.properties(model))
        with self._guard():
            if self._balance:
                self._rebalance(p)
            self.hold_memberships(model)
            power = self._power(self._distances(p))  # (n_clusters, n_cells)
            weights = self._property_weights()
            mass = as_numpy(power @ weights.T)
            moment = as_numpy(power @ (weights * p).T)
            strength = as_numpy(self._strength())
        free = np.isfinite(self._guidance)
        strength = strength[free]
        total = mass[free] + strength
        found = moment[free] + strength * self._targets[free]
        updated = self._targets.copy()
        updated[free] = np.where(total > 0, found / np.where(total > 0, total, 1.0), self._centers[free])
        self.centers = updated
        return self.centers

    def _rebalance(self, p):
        weights = self._property_weights().mean(0)
        shares = as_numpy(self._memberships(self._distances(p)) @ weights / weights.sum())
        logs = self._balance * np.log(np.maximum(shares, 1e-6))
        self._factors = np.exp(logs - logs.mean())

    def _strength(self):
        """η, (n_clusters, n_properties); zero for fixed centres, which are never off their targets by update."""
        guidance = np.where(np.isfinite(self._guidance), self._guidance, 0.0) / self.n_clusters
        return self.tensor(guidance)[:, None] * self._property_weights().sum(1)

    def _property_weights(self):
        return torch.stack([self.cell_weights([i]) for i in range(self.n_properties)])  # (n_properties, n_cells)

    def _scaled_weights(self, strengths=1.0):
        return self._property_weights() * self.tensor(strengths / self._scales**2)[:, None]

    def _distances(self, p):
        """Weighted squared distances, times the clusters' factors, (n_clusters, n_cells)."""
        weights = self._scaled_weights()
        distances = torch.stack([(weights * (p - v[:, None]).square()).sum(0) for v in self.tensor(self._centers)])
        return self.tensor(self._factors)[:, None] * distances

    def _power(self, distances):
        """b u^q, (n_clusters, n_cells); of the last update once properties have strengths."""
        u = self._memberships(distances) if self._held is None else self.tensor(self._held)
        return self.tensor(self._factors)[:, None] * u**self._fuzziness

    def _memberships(self, distances):
        tiny = torch.finfo(self.dtype).tiny
        return torch.softmax(distances.clamp_min(tiny).log() / (1.0 - self._fuzziness), dim=0)

    def _off_target(self):
        """The centres' part of the residual, (n_clusters, n_properties)."""
        return self._strength().sqrt() * self.tensor((self._centers - self._targets) / self._scales)

    # the residual ---------------------------------------------------------------------------------------
    def _residual(self, p):
        power, root = self._power(self._distances(p)).detach(), self._scaled_weights(self._strengths).sqrt()
        cells = [u.sqrt() * root * (p - v[:, None]) for u, v in zip(power, self.tensor(self._centers), strict=True)]
        return torch.cat([torch.stack(cells).ravel(), self._off_target().ravel()])

    def _linearize(self, p):
        power = self._power(self._distances(p))
        weights, centers = self._scaled_weights(self._strengths), self.tensor(self._centers)
        root = (weights * power.sum(0)).sqrt()  # of diag(Jᵀ J), which is all of it
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
