"""Configuration of the documentation site.

Build it offline, with warnings as errors, from the folder above::

    PYTHONPATH=. sphinx-build -W --keep-going -b html docs docs/_build/html

========================  ==============================================================================
`DOCS_GALLERY=0`          show the tutorials without running them: for a quick look at the prose
`DOCS_INTERSPHINX=1`      link to the documentation of SimPEG, discretize, numpy, ... (needs the network)
`DOCS_MATHJAX`            address of another MathJax than that of the network, such as a file on this machine
`SIMPEG_JOINTDL_DATA`     folder of the field data; without it their tutorials are shown, not run
`TUTORIAL_SIZE`           size at which tutorials run, "small" unless set
`TUTORIAL_OUTPUT`         where they write their files, a folder under the build unless set
========================  ==============================================================================
"""

import os
import re
import sys
import tomllib
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

# Tutorials that read field data.
FIELD_DATA = ("02b_field_data.py", "03b_published_model.py", "08_mt_field.py", "11_finetune_field_data.py")

# The parts of the site whose pages have a table of contents at their right.
PARTS = ("getting_started", "user_guide", "how_to", "benchmarks", "theory", "api", "development")

# -- Project ----------------------------------------------------------------------------------------------

with open(HERE.parent / "pyproject.toml", "rb") as file:
    _project = tomllib.load(file)["project"]

project = _project["name"]
author = "the simpeg_jointdl developers"
project_copyright = author
release = version = installed_version("simpeg_jointdl")
_urls = {name.lower(): url for name, url in _project.get("urls", {}).items()}
_repository = next((_urls[name] for name in ("source", "repository", "homepage") if name in _urls), None)

# -- Sphinx -----------------------------------------------------------------------------------------------

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",  # for its ``testsetup`` directive; the blocks are run by tests/test_docs.py
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_includes", "figures", "Thumbs.db", ".DS_Store"]
default_role = "py:obj"
nitpicky = False
toc_object_entries_show_parents = "hide"
trim_footnote_reference_space = True
rst_prolog = """
.. |chi| replace:: :math:`\\chi`
.. |beta| replace:: :math:`\\beta`
"""

# -- Reference --------------------------------------------------------------------------------------------

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # types stand in the numpydoc sections
autodoc_member_order = "groupwise"
autodoc_default_options = {"exclude-members": "checkpoint_state, restore_checkpoint_state"}
numpydoc_show_class_members = False  # the class template lists a class's own members
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

if os.environ.get("DOCS_INTERSPHINX", "0") != "0":
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
        "discretize": ("https://discretize.simpeg.xyz/en/main", None),
        "simpeg": ("https://docs.simpeg.xyz/latest", None),
    }

# -- Gallery ----------------------------------------------------------------------------------------------

_run_gallery = os.environ.get("DOCS_GALLERY", "1") != "0"
_shown_only = () if os.environ.get("SIMPEG_JOINTDL_DATA") else FIELD_DATA

sphinx_gallery_conf = {
    "examples_dirs": "../tutorials",
    "gallery_dirs": "gallery",
    # run every tutorial but those whose field data are not here
    "filename_pattern": r"[\\/](?!(?:" + "|".join([*map(re.escape, _shown_only), "$"]) + r"))[^\\/]+\.py$",
    "ignore_pattern": r"[\\/]_",
    "plot_gallery": str(_run_gallery),
    "abort_on_example_error": False,
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figure_scraper.scrape_figures",),
    "reset_modules": (),
    "capture_repr": (),
    "default_thumb_file": str(HERE / "_static" / "default_thumbnail.png"),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "doc_module": ("simpeg_jointdl",),
    "backreferences_dir": None,
    "inspect_global_variables": False,
    "remove_config_comments": True,
}


def _set_tutorial_variables(app):
    """Tell the tutorials to run at a small size and to write below the build."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("TUTORIAL_SIZE", "small")
    output = Path(os.environ.setdefault("TUTORIAL_OUTPUT", str(Path(app.doctreedir) / "tutorial_output")))
    output.mkdir(parents=True, exist_ok=True)


# -- HTML -------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "simpeg_jointdl"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {"index": [], "search": []}
html_theme_options = {
    "logo": {"text": "simpeg_jointdl"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    # not in the gallery: the lines of tutorials need the room
    "secondary_sidebar_items": {f"{part}/**": ["page-toc"] for part in PARTS},
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
if _repository:
    html_theme_options["github_url"] = _repository

if "DOCS_MATHJAX" in os.environ:
    mathjax_path = os.environ["DOCS_MATHJAX"]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def setup(app):
    """Hook into the build, before the gallery is made."""
    app.connect("builder-inited", _set_tutorial_variables, priority=1)
