"""What fine-tuned inversions are given, checked: data and simulations as they pair up, and choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._problem.simulations import NAMES, check_noise, common_ground, looking_through

WHO = "create_finetuned_inversion"
MODES, HELD_TO = ("network", "mesh", "retrain"), ("prediction", "mesh")
KINDS = {"density": "gravity_data", "susceptibility": "magnetic_data"}
_SAME_PLACE = 1e-3  # m
_OWN = {
    "mesh", "misfits", "wire_map", "active_cells", "couplings", "ratios", "chifact", "progress", "checkpoint", "log",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ground:
    """Data sets and simulations on one mesh, each of its own property."""

    observed: list
    simulations: list
    keys: list[str]
    names: list[str]
    mesh: object
    active: np.ndarray
    misfit: type

    @property
    def data(self) -> dict:
        """As the network takes them."""
        return {KINDS[name]: one for name, one in zip(self.names, self.observed, strict=True)}

    @property
    def top(self) -> float:
        """Elevation of the highest face of an active cell."""
        return float((self.mesh.cell_centers[:, -1] + 0.5 * self.mesh.h_gridded[:, -1])[self.active].max())

    def misfits(self, maps: dict) -> list:
        """Misfits of simulations that look through maps, {name: map}."""
        made = []
        for one, key, name, some in zip(self.simulations, self.keys, self.names, self.observed, strict=True):
            view = looking_through(one, key, getattr(one, key) * maps[name])
            made.append(self.misfit(data=some, simulation=view))
        return made


def check_choice(argument: str, value, known):
    """One of those there are."""
    if value not in known:
        msg = f"{WHO}.{argument}: got {value!r}, wanted one of {', '.join(known)}."
        raise ValueError(msg)


def check_rounds(rounds, checkpoint, log):
    """A whole number, and no files, which would be of the last round alone."""
    if isinstance(rounds, bool) or not isinstance(rounds, (int, np.integer)) or rounds < 1:
        msg = f"{WHO}.rounds: got {rounds!r}, wanted a whole number of 1 or more."
        raise ValueError(msg)
    for argument, value in (("checkpoint", checkpoint), ("log", log)):
        if value is not None:
            msg = f"{WHO}.{argument}: got {value!r} with mode='retrain', which keeps recipe.history; leave it out."
            raise ValueError(msg)


def checked_mesh_options(options: dict | None) -> dict:
    """Arguments of the inversion over cells that are not this recipe's own."""
    options = dict(options or {})
    own = sorted(_OWN & set(options))
    if own:
        msg = f"{WHO}.mesh_options: got {', '.join(own)}, which the recipe sets or has arguments of its own for."
        raise ValueError(msg)
    return options


def make_ground(data, simulation, misfit) -> Ground:
    """Data and simulations as they pair up."""
    simulations, observed, mesh, active, keys = common_ground(data, simulation, WHO)
    names = [NAMES.get(key, key) for key in keys]
    wrong = [name for name in names if name not in KINDS]
    if wrong or len(set(names)) < len(names):
        msg = (
            f"{WHO}.simulation: got simulations of {', '.join(names)}; wanted one of density (rhoMap), one of "
            "susceptibility (chiMap), or one of them, which are what the network knows."
        )
        raise ValueError(msg)
    for i, (one, key, some) in enumerate(zip(simulations, keys, observed, strict=True)):
        check_noise(f"{WHO}.data[{i}]", some)
        _check_stations(i, some.survey, one.survey)
        n, takes = int(active.sum()), getattr(one, key).nP
        if takes not in (n, "*"):
            msg = (
                f"{WHO}.simulation: {key} of number {i} takes {takes} values, wanted {n}, one per active cell: "
                f"IdentityMap(nP={n}), not the wire of a joint model, and no vectors."
            )
            raise ValueError(msg)
    return Ground(observed, simulations, keys, names, mesh, active, misfit)


def _check_stations(i: int, of_data, of_simulation):
    """The network sees the places of the data, the misfit those of the simulation."""
    places = [np.asarray(one.receiver_locations) for one in (of_data, of_simulation)]
    if places[0].shape == places[1].shape and np.allclose(*places, rtol=0.0, atol=_SAME_PLACE):
        return
    msg = (
        f"{WHO}.data[{i}]: its survey has {len(places[0])} stations, that of simulation[{i}] {len(places[1])}, and "
        "they are not at the same places in the same order. Make both with one survey."
    )
    raise ValueError(msg)
