"""The README's Python, as it stands there, over a small problem."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from simpeg import data_misfit, maps, optimization, regularization

from simpeg_jointdl import datasets, networks
from simpeg_jointdl.potential_fields import gravity, magnetics

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PROBLEM = datasets.load("two_blocks", cell_size=300.0, shape=(10, 10, 5), n_stations=(10, 10), noise=0.05)
MESH, N = PROBLEM.mesh, PROBLEM.mesh.n_cells


def block(word: str) -> str:
    """The one that holds a word no other holds."""
    (found,) = (one for one in BLOCKS if word in one)
    return found


def simulations(density, susceptibility):
    return (
        gravity.Simulation3DIntegral(MESH, survey=PROBLEM.gravity.survey(), rhoMap=density),
        magnetics.Simulation3DIntegral(MESH, survey=PROBLEM.magnetics.survey(), chiMap=susceptibility),
    )


def given() -> dict:
    """What the README's reader has."""
    wires = maps.Wires(("density", N), ("susceptibility", N))
    data = PROBLEM.gravity.data(), PROBLEM.magnetics.data()
    misfits = (
        data_misfit.L2DataMisfit(data=one, simulation=simulation)
        for one, simulation in zip(data, simulations(wires.density, wires.susceptibility), strict=True)
    )
    return {
        "mesh": MESH, "n": N, "active_cells": np.ones(N, dtype=bool), "wires": wires,
        "survey": PROBLEM.gravity.survey(),
        **dict(zip(("gravity_data", "magnetic_data"), data, strict=True)),
        **dict(zip(("gravity_misfit", "magnetic_misfit"), misfits, strict=True)),
    }  # fmt: skip


def test_a_joint_inversion_in_ten_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = given()
    exec(block("create_joint_inversion"), names)
    assert (names["recipe"].chi <= 1.0).all()
    assert {"run.npz", "run.csv", "models"} <= {one.name for one in tmp_path.iterdir()}


def test_in_your_script():
    names = given()
    for name in ("density", "susceptibility"):
        smooth = regularization.WeightedLeastSquares(MESH, mapping=getattr(names["wires"], name))
        names[f"smooth_{name}"] = smooth
    names |= {
        "optimizer": optimization.ProjectedGNCG(maxIter=2, cg_rtol=1e-3, cg_atol=0.0),
        "starting_model": np.full(2 * N, 1e-4),
    }
    exec(block("BaseInvProblem"), names)
    assert names["model"].shape == (2 * N,)


def test_gravity_and_magnetics():
    names = given()
    exec(block('engine="auto"'), names)
    assert names["simulation"].dpred(np.zeros(2 * N)).shape == (PROBLEM.gravity.gz.size,)


def test_networks_as_models():
    names = given()
    exec(block("INRMap"), names)
    start = names["inr"].initial_model()
    assert names["simulation"].dpred(start).shape == (PROBLEM.gravity.gz.size,)


def test_magnetotellurics(tmp_path):
    folder = os.environ.get("SIMPEG_JOINTDL_DATA")
    pytest.importorskip("mt_metadata")
    edi = [] if folder is None else sorted(Path(folder).glob("ynp_mt/original/**/*.edi"))[:3]
    if not edi:
        pytest.skip("field data: set SIMPEG_JOINTDL_DATA to their folder")
    for one in edi:
        (tmp_path / one.name).write_bytes(one.read_bytes())
    text = block("MT1DUNet").replace("survey/edi", str(tmp_path))
    names: dict = {}
    exec(text, names)
    recipe = names["recipe"]
    assert recipe.resistivity.shape == (len(edi), 40)
    assert set(recipe.station_chi) >= set(recipe.failed)
    recipe.band(0.9)


def test_gravity_and_magnetics_to_models(tmp_path):
    names = given()
    identity = maps.IdentityMap(nP=N)
    names |= dict(zip(("gravity_simulation", "magnetic_simulation"), simulations(identity, identity), strict=True))
    text = block("GravMagUNet").replace('dtype="float32"', 'dtype="float32", held_to="prediction", max_iterations=1')
    exec(text, names)
    assert set(names["models"]) == {"density", "susceptibility"}
    networks.save_weights(tmp_path / "mine.safetensors", names["recipe"].network)
    again = networks.GravMagUNet.from_pretrained(tmp_path / "mine.safetensors")
    assert again.config == names["network"].config
