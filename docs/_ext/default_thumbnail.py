"""Draw ``_static/default_thumbnail.png``, the picture of tutorials that are shown without being run.

Run it by hand from the folder above ``docs``: ``PYTHONPATH=. python docs/_ext/default_thumbnail.py``.
"""

from pathlib import Path

from matplotlib.figure import Figure

from simpeg_jointdl import datasets

blocks = datasets.load("two_blocks", cell_size=50.0, shape=(48, 48, 24), n_stations=(60, 42), noise=1e-6)
values = blocks.magnetics.tmi
x, y = blocks.magnetics.locations[:, 0], blocks.magnetics.locations[:, 1]

figure = Figure(figsize=(4.0, 2.8), dpi=100)
axes = figure.add_axes((0, 0, 1, 1))
axes.tricontourf(x, y, values, levels=24, cmap="viridis")
axes.tricontour(x, y, values, levels=12, colors="white", linewidths=0.4, alpha=0.6)
axes.plot(x[::7], y[::7], ".", color="white", markersize=1.5, alpha=0.7)
axes.set_axis_off()
figure.savefig(Path(__file__).parents[1] / "_static" / "default_thumbnail.png")
