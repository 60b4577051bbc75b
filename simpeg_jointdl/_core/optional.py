"""Optional libraries, with an error that says how to install them."""

from __future__ import annotations

import importlib
from types import ModuleType


def required(module: str, who: str, extra: str = "plot3d", purpose: str = "") -> ModuleType:
    """Import an optional library, or raise an ImportError that says how to install it.

    Parameters
    ----------
    module : str
        Name of the library's module: ``"pyvista"``.
    who : str
        Function that the user called, or an option of it, for the message.
    extra : str
        Extra of this package that installs the library.
    purpose : str
        What the library is needed for, as in "to project longitude and latitude".

    Returns
    -------
    module
        The library.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        what = f"which is not installed, {purpose}" if purpose else "which is not installed"
        msg = f'{who} needs {module}, {what}. Install it with: pip install "simpeg_jointdl[{extra}]"'
        raise ImportError(msg) from error
