"""Figures do not need pyplot."""

import subprocess
import sys

import simpeg_jointdl


def test_saving_needs_no_pyplot(tmp_path):
    """In a fresh process and a bare package (SimPEG itself imports pyplot); the PNG is 1200 pixels wide."""
    code = (
        "import sys, types\n"
        "sys.modules['simpeg_jointdl'] = package = types.ModuleType('simpeg_jointdl')\n"
        f"package.__path__ = {list(simpeg_jointdl.__path__)!r}\n"
        "from simpeg_jointdl import plotting\n"
        "fig = plotting.plot_convergence({'chi': {'a': [2.0, 1.0]}})\n"
        f"fig.savefig({str(tmp_path / 'figure.png')!r})\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    header = (tmp_path / "figure.png").read_bytes()[:24]
    assert int.from_bytes(header[16:20], "big") == 1200
