"""Writing a file so that it is complete at every moment, even if the process is killed."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Replace the content of a file in one step: a reader finds the old content or the new one.

    Parameters
    ----------
    path : pathlib.Path
        File, in a folder that exists.
    content : bytes
        New content.

    Raises
    ------
    OSError
        If the content cannot be written (no space, no permission). The old file is unchanged then.
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


def check_writable(path: Path, owner: str) -> None:
    """Raise OSError, which names `owner` and the path, unless a file can be written at `path`."""
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder; give the name of a file")
        part = _part(path)
        part.touch()
        part.unlink()
    except OSError as error:
        msg = f"{owner}: cannot write {str(path)!r} ({error.strerror}); give a path in a folder that can be written to."
        raise OSError(msg) from error


def _part(path: Path) -> Path:
    # always the same name, so that killed runs leave at most one such file behind
    return path.with_name(path.name + ".part")
