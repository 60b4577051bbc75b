"""An image scraper for sphinx-gallery that finds matplotlib figures made without pyplot."""

from weakref import WeakSet

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

WIDTH = 1200  # pixels of a saved figure

_seen: WeakSet = WeakSet()


def scrape_figures(block, block_vars, gallery_conf) -> str:
    """Save every figure that the tutorial's variables hold and that no earlier block has shown."""
    paths, titles = [], []
    for value in list(block_vars["example_globals"].values()):
        members = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        for figure in members:
            if not isinstance(figure, Figure) or figure in _seen:
                continue
            _seen.add(figure)
            paths.append(next(block_vars["image_path_iterator"]))
            # tight: drawn a second time, after the tutorial's own savefig, a constrained layout may cut off labels
            dpi = WIDTH / figure.get_figwidth()
            figure.savefig(paths[-1], format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.05)
            titles.append(
                figure.get_suptitle() or next((one.get_title() for one in figure.axes if one.get_title()), "")
            )
    return figure_rst(paths, gallery_conf["src_dir"], "; ".join(filter(None, titles)))
