"""Files that are whole at every moment, whatever ends the process."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes):
    """Replace a file by new content at once: a reader, or a later run, finds the old one or the new one.

    Raises
    ------
    OSError
        When the content cannot be written (no space, no permission); the old file stays as it was.
    """
    part = _part(path)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def check_writable(path: Path, owner: str):
    """Raise OSError, naming `owner` and the folder, if no file could be written at `path`."""
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder itself; give the name of a file")
        part = _part(path)
        part.touch()
        part.unlink()
    except OSError as error:
        msg = f"{owner}: cannot write {str(path)!r} ({error.strerror}); give a path in a folder that can be written."
        raise OSError(msg) from error


def _part(path: Path) -> Path:
    # always the same name, so that killed runs leave at most one behind
    return path.with_name(path.name + ".part")
