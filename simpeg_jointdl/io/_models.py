"""Export of models to files of other programs."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike

from .._core import validation as check
from .._core.optional import required
from ..data import PropertyModel
from ._vtk import on_all_cells, to_vtk

_UBC_BLANK = -99999.0  # UBC files have no nan
_NPZ_KEYS = ("active_cells", "cell_centers", "cell_volumes", "file")


def export_models(
    folder: str | os.PathLike[str],
    mesh: TensorMesh | TreeMesh,
    models: Mapping[str, ArrayLike] | Sequence[PropertyModel] | PropertyModel,
    *,
    active_cells: ArrayLike | None = None,
    formats: str | Sequence[str] = ("ubc", "vtk", "npz"),
    name: str = "",
    inactive_value: float | None = None,
) -> list[pathlib.Path]:
    """Write models to UBC-GIF, VTK (ParaView) and numpy files.

    Parameters
    ----------
    folder : str or path
        Folder, which is created if it does not exist. Existing files of the same names are replaced.
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 2-D or 3-D, in m. A UBC tree mesh must be in 3-D with equal base cells.
    models : dict of str to (n_active,) array_like, or sequence of PropertyModel
        One array per property, such as a recipe's `run` returns; nan stands for no value.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    formats : str or sequence of str
        Some of ``"ubc"``, ``"vtk"`` and ``"npz"``. VTK needs ``pip install "simpeg_jointdl[plot3d]"``.
    name : str
        Prefix of every file name, followed by an underscore.
    inactive_value : float, optional
        Value of inactive cells and of cells without a value; by default nan in VTK and -99999 in UBC files.

    Returns
    -------
    list of pathlib.Path
        Written files: ``mesh.msh`` and one ``<property>.mod`` per property; ``models.vtr``, or ``models.vtu`` for a
        tree mesh; ``models.npz`` with each property, ``cell_centers`` and ``cell_volumes`` on the active cells, and
        ``active_cells``.

    Raises
    ------
    ImportError
        If VTK is requested but not installed. Nothing is written then, nor after a ValueError.
    OSError
        If the folder cannot be written to.
    TypeError, ValueError
        If models do not fit the mesh, names give the same file name, or a format is unknown or not possible.

    Examples
    --------
    >>> import tempfile
    >>> import discretize, numpy as np
    >>> from simpeg_jointdl import io
    >>> mesh = discretize.TensorMesh([4, 4, 4])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = io.export_models(folder, mesh, {"density": np.zeros(64)}, formats=("ubc", "npz"))
    >>> [file.name for file in files]
    ['mesh.msh', 'density.mod', 'models.npz']
    """
    check.discretize_mesh("export_models.mesh", mesh, (2, 3))
    active = check.active_cells("export_models.active_cells", mesh, active_cells)
    formats = _checked_formats(formats, mesh)
    columns = _checked_columns(models, int(active.sum()))
    files = {key: _file_name(key) for key in columns}
    if len(set(files.values())) < len(files):
        msg = f"export_models.models: names {list(files)} give the same file names. Rename some of them."
        raise ValueError(msg)
    folder = _folder(folder)
    start = f"{folder}/{name}_" if name else f"{folder}/"
    written = []
    if "ubc" in formats:
        blank = _UBC_BLANK if inactive_value is None else inactive_value
        written += _write_ubc(start, mesh, {files[k]: on_all_cells(active, v, blank) for k, v in columns.items()})
    if "vtk" in formats:
        blank = np.nan if inactive_value is None else inactive_value
        written.append(_write_vtk(start, mesh, {k: on_all_cells(active, v, blank) for k, v in columns.items()}))
    if "npz" in formats:
        written.append(_write_npz(start, mesh, columns, active))
    return written


def _write_ubc(start, mesh, columns) -> list[pathlib.Path]:
    paths = [pathlib.Path(f"{start}mesh.msh")] + [pathlib.Path(f"{start}{key}.mod") for key in columns]
    mesh.write_UBC(str(paths[0]))
    for path, values in zip(paths[1:], columns.values(), strict=True):
        mesh.write_model_UBC(str(path), values)
    return paths


def _write_vtk(start, mesh, columns) -> pathlib.Path:
    vtk = required("vtk", "io.export_models")
    grid = to_vtk(mesh, columns)
    writer = getattr(vtk, f"vtkXML{grid.GetClassName().removeprefix('vtk')}Writer")()
    path = pathlib.Path(f"{start}models.{writer.GetDefaultFileExtension()}")
    writer.SetInputDataObject(grid)
    writer.SetFileName(str(path))
    if not writer.Write():  # VTK returns 0 and raises no error
        msg = f"export_models: VTK could not write {path}. Check that the folder can be written to and has free space."
        raise OSError(msg)
    return path


def _write_npz(start, mesh, columns, active) -> pathlib.Path:
    path = pathlib.Path(f"{start}models.npz")
    cells = {"cell_centers": mesh.cell_centers[active], "cell_volumes": mesh.cell_volumes[active]}
    np.savez_compressed(path, **columns, **cells, active_cells=active)
    return path


def _checked_formats(formats, mesh) -> set[str]:
    formats = {formats} if isinstance(formats, str) else set(formats)
    if not formats or not formats <= {"ubc", "vtk", "npz"}:
        msg = f"export_models.formats: got {sorted(formats)}, wanted some of ['npz', 'ubc', 'vtk']."
        raise ValueError(msg)
    if "vtk" in formats:
        required("vtk", "io.export_models with 'vtk' among its formats")
    if "ubc" in formats and isinstance(mesh, TreeMesh) and not _fits_ubc(mesh):
        msg = (
            f"export_models.formats: got a {mesh.dim}-D TreeMesh, wanted for 'ubc' a 3-D one with base "
            f"cells of one size along each axis. Leave out 'ubc'."
        )
        raise ValueError(msg)
    return formats


def _fits_ubc(tree) -> bool:
    return tree.dim == 3 and all(np.allclose(h, h[0]) for h in tree.h)


def _checked_columns(models, n_active) -> dict[str, np.ndarray]:
    """Return the values of each property, checked to belong to one property."""
    if not isinstance(models, Mapping):
        if isinstance(models, np.ndarray):
            msg = (
                f"export_models.models: got an array of shape {models.shape}, wanted {{name: ({n_active},) array}}. "
                f"Split a whole model first: recipe.properties(m), or the maps of its Wires."
            )
            raise TypeError(msg)
        models = {model.name: model.values for model in check.listed("export_models.models", models, PropertyModel)}
    if not models:
        msg = "export_models.models: got no model, wanted at least one. Pass {name: array}."
        raise ValueError(msg)
    columns = {}
    for key, values in models.items():
        who = f"export_models.models[{key!r}]"
        size = np.size(values)
        if size > n_active and size % n_active == 0:
            msg = (
                f"{who}: got {size} values, {size // n_active} times the {n_active} active cells, wanted one property. "
                f"Split a whole model first: recipe.properties(m), or the maps of its Wires."
            )
            raise ValueError(msg)
        if not isinstance(key, str) or key in _NPZ_KEYS or not _file_name(key):
            msg = f"{who}: wanted a name with letters or digits, and none of {list(_NPZ_KEYS)}. Rename it."
            raise ValueError(msg)
        columns[key] = check.gappy_array(who, values, (n_active,))
        if np.isnan(columns[key]).all():
            msg = f"{who}: got only nan, wanted at least one value."
            raise ValueError(msg)
    return columns


def _file_name(key) -> str:
    return re.sub(r"\W+", "_", str(key)).strip("_")


def _folder(folder) -> pathlib.Path:
    folder = pathlib.Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"export_models.folder: {folder} cannot be made or is not a folder ({error}). Choose another."
        raise OSError(msg) from error
    return folder
