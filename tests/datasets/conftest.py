"""Field data come from a folder; without it the tests that need it say that they were skipped."""

import os
import pathlib

import numpy as np
import pytest


@pytest.fixture
def field_data() -> pathlib.Path:
    folder = os.environ.get("SIMPEG_JOINTDL_DATA")
    if not folder:
        pytest.skip("field data: set SIMPEG_JOINTDL_DATA to their folder")
    return pathlib.Path(folder)


@pytest.fixture
def forward():
    """Noise-free gz and tmi of a dataset's true models by SimPEG, of the cells that are not zero alone."""
    from simpeg import maps
    from simpeg.potential_fields import gravity, magnetics

    def simulate(dataset):
        model = dataset.true_models["density"]
        active = model != 0
        kwargs = {"active_cells": active, "store_sensitivities": "forward_only", "engine": "geoana"}
        mapping = maps.IdentityMap(nP=int(active.sum()))
        gz = gravity.simulation.Simulation3DIntegral(
            dataset.mesh, survey=dataset.gravity.survey(), rhoMap=mapping, **kwargs
        ).dpred(model[active])
        tmi = magnetics.simulation.Simulation3DIntegral(
            dataset.mesh, survey=dataset.magnetics.survey(), chiMap=mapping, **kwargs
        ).dpred(dataset.true_models["susceptibility"][active])
        return gz, tmi

    return simulate


@pytest.fixture
def write_edi(tmp_path):
    """Write a small EDI from impedances in mV/km/nT; returns its path. Blocks and header lines can be changed."""

    def write(name, frequencies, impedance, variance=None, *, rotation=None, head=None, section="MTSECT", **blocks):
        header = {"DATAID": f'"{name}"', "LAT": "45:00:00", "LONG": "-111:00:00", "ELEV": "1500.0", "EMPTY": "1.0E+32"}
        header = header | (head or {})
        parts = {"FREQ": frequencies}
        if rotation is not None:
            parts["ZROT"] = np.broadcast_to(rotation, np.shape(frequencies))
        if impedance is not None:
            for i, j in np.ndindex(2, 2):
                element = f"Z{'XY'[i]}{'XY'[j]}"
                parts |= {f"{element}R": impedance[:, i, j].real, f"{element}I": impedance[:, i, j].imag}
                if variance is not None:
                    parts[f"{element}.VAR"] = variance[:, i, j]
        parts |= {key.replace("_", "."): value for key, value in blocks.items()}
        lines = [">HEAD", *(f" {key}={value}" for key, value in header.items()), ">INFO", " MAXINFO=999"]
        lines += [">=DEFINEMEAS", " MAXCHAN=5", " UNITS=M", f">={section}", f" NFREQ={len(frequencies)}"]
        for key, values in parts.items():
            lines += [f">{key} // {len(values)}", *(f" {value!s}" for value in values)]
        path = tmp_path / f"{name}.edi"
        path.write_text("\n".join([*lines, ">END", ""]))
        return path

    return write
