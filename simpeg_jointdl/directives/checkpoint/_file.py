"""Files of checkpoints: a tree of plain values and arrays in one npz file with a checksum."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.files import write_whole

_FORMAT, _VERSION = "simpeg_jointdl checkpoint", 1
_DIGEST = 64  # characters of a sha256 in hexadecimal


def write_checkpoint(path: Path, tree: dict[str, Any]) -> None:
    """Write a tree of plain values and arrays to a file, which replaces an older one as a whole.

    The npz file contains the tree as JSON under ``header``, and its arrays, equal ones once. The comment of the
    archive, at the end of the file, is the sha256 of everything before it.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    tree : dict
        Dicts, lists and tuples of numbers, strings, None and arrays.

    Raises
    ------
    TypeError
        If the tree contains something else; the message says where.
    OSError
        If the file cannot be written; the old one stays.
    """
    arrays: dict[str, np.ndarray] = {}
    header = {"format": _FORMAT, "version": _VERSION, "package": version("simpeg_jointdl")}
    header["tree"] = _without_arrays(tree, arrays, {}, "checkpoint")
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, header=text, **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b" " * _DIGEST
    content = buffer.getvalue()[:-_DIGEST]
    write_whole(path, content + hashlib.sha256(content).hexdigest().encode())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read the tree that :func:`write_checkpoint` wrote.

    Parameters
    ----------
    path : pathlib.Path
        File to read.

    Returns
    -------
    dict
        Tree with the types that it was written with.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, is damaged in any bit, or has another version of the format.
    """
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        raise ValueError(_refusal(path, "it is not a checkpoint, but some other file"))
    if hashlib.sha256(content[:-_DIGEST]).hexdigest().encode() != content[-_DIGEST:]:
        reason = "it is damaged or some other archive: its checksum does not fit its content"
        raise ValueError(_refusal(path, reason))
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        header = json.loads(bytes(arrays["header"]))
        if header["format"] != _FORMAT or header["version"] != _VERSION:
            reason = (
                f"it is a {header['format']} of version {header['version']}, written by simpeg_jointdl "
                f"{header['package']}; this version of the package reads version {_VERSION}"
            )
            raise ValueError(_refusal(path, reason))
        return _with_arrays(header["tree"], arrays)


def _refusal(path: Path, reason: str) -> str:
    return f"checkpoint {str(path)!r} cannot be used: {reason}. It has been left as it is."


def is_plain(value: Any) -> bool:
    """Whether a checkpoint can contain a value: numbers, strings, None, arrays, and lists, tuples and dicts of them."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    return value is None or isinstance(value, (bool, int, float, str, np.number, np.bool_))


def _without_arrays(value, arrays, known, place):
    """Return the tree with names in the place of arrays, and add the arrays to `arrays`."""
    if not is_plain(value):
        inside = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        for key, one in inside:
            _without_arrays(one, arrays, known, f"{place}[{key!r}]")
        msg = f"{place}: got {type(value).__name__}, wanted numbers, strings, None, arrays, lists, or dicts of these."
        raise TypeError(msg)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value).reshape(value.shape)
        # many terms share volumes, reference models and weights
        key = (value.shape, value.dtype.str, hashlib.sha256(value).digest())
        name = known.setdefault(key, f"array_{len(known)}")
        arrays[name] = value
        return {"array": name}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_without_arrays(one, arrays, known, place) for one in value]}
    if isinstance(value, dict):  # as pairs, since keys may be numbers
        return {"dict": [[_without_arrays(one, arrays, known, place) for one in pair] for pair in value.items()]}
    return value


def _with_arrays(value, arrays):
    """Return the tree with its arrays in the place of their names."""
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "array":
        return arrays[inside]
    if kind == "dict":
        return {_with_arrays(key, arrays): _with_arrays(one, arrays) for key, one in inside}
    return {"list": list, "tuple": tuple}[kind](_with_arrays(one, arrays) for one in inside)
