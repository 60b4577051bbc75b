"""Small files to read."""

import numpy as np
import pytest


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
