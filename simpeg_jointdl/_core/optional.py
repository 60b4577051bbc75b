"""Optional libraries, with an error that says how to install them."""

from __future__ import annotations

import importlib


def required(module: str, who: str):
    """`module`, or an ImportError that says how to have it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        msg = f'{who} needs {module}, which is not installed. Install it with: pip install "simpeg_jointdl[plot3d]"'
        raise ImportError(msg) from error
