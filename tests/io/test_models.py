"""Models as files: what other programs read is what was written."""

import sys

import numpy as np
import pytest
from discretize import TensorMesh, TreeMesh

from simpeg_jointdl import plotting


@pytest.fixture(params=["tensor", "tree"])
def ground(request):
    """Mesh with all cells of different shape that it may have, active cells below a slope, two properties."""
    if request.param == "tensor":
        mesh = TensorMesh([[100.0, 150, 200], [50.0, 60, 70, 80], [30.0, 20, 10]], origin=[1e5, 7e6, -60])
    else:
        mesh = TreeMesh([[50.0] * 8, [40.0] * 8, [30.0] * 8], origin=[1e5, 7e6, -240], diagonal_balance=True)
        mesh.refine_bounding_box(np.array([[1e5, 7e6, -100], [1e5 + 150, 7e6 + 100, 0]]), level=-1)
    centers = mesh.cell_centers
    active = centers[:, 2] < -25 - 1e-4 * (centers[:, 0] - 1e5)
    n = int(active.sum())
    return mesh, active, {"density": np.linspace(-0.3, 0.4, n), "susceptibility": np.geomspace(1e-4, 0.1, n)}


def full(active, values, blank):
    every = np.full(len(active), blank)
    every[active] = values
    return every


def test_ubc_round_trip(ground, tmp_path):
    mesh, active, models = ground
    paths = plotting.export_models(tmp_path / "new" / "folder", mesh, models, active_cells=active, formats="ubc")
    assert [path.name for path in paths] == ["mesh.msh", "density.mod", "susceptibility.mod"]
    again = type(mesh).read_UBC(str(paths[0]))
    np.testing.assert_allclose(again.cell_centers, mesh.cell_centers, rtol=1e-12, atol=1e-5)
    for path, values in zip(paths[1:], models.values(), strict=True):
        np.testing.assert_array_equal(again.read_model_UBC(str(path)), full(active, values, -99999.0))


def test_npz_round_trip(ground, tmp_path):
    mesh, active, models = ground
    paths = plotting.export_models(tmp_path, mesh, models, active_cells=active, formats=["npz"], name="run 1.5")
    assert [path.name for path in paths] == ["run 1.5_models.npz"]
    with np.load(paths[0]) as file:
        assert sorted(file) == ["active_cells", "cell_centers", "cell_volumes", "density", "susceptibility"]
        np.testing.assert_array_equal(file["active_cells"], active)
        np.testing.assert_array_equal(file["cell_centers"], mesh.cell_centers[active])
        np.testing.assert_array_equal(file["cell_volumes"], mesh.cell_volumes[active])
        for key, values in models.items():
            np.testing.assert_array_equal(file[key], values)


@pytest.mark.parametrize("blank", [None, -7.0])
def test_vtk_round_trip(ground, tmp_path, blank):
    pyvista = pytest.importorskip("pyvista", reason='needs pyvista: pip install "simpeg_jointdl[plot3d]"')
    mesh, active, models = ground
    paths = plotting.export_models(
        tmp_path, mesh, models, active_cells=active, formats=["vtk"], name="run", inactive_value=blank
    )
    assert [path.name for path in paths] == ["run_models." + ("vtr" if isinstance(mesh, TensorMesh) else "vtu")]
    grid = pyvista.read(paths[0])
    np.testing.assert_allclose(grid.cell_centers().points, mesh.cell_centers, rtol=1e-7)
    for key, values in models.items():
        np.testing.assert_array_equal(grid.cell_data[key], full(active, values, np.nan if blank is None else blank))


def test_models_with_names_for_people_and_all_formats(ground, tmp_path):
    pytest.importorskip("vtk", reason='needs VTK: pip install "simpeg_jointdl[plot3d]"')
    mesh, active, models = ground
    shown = [plotting.PropertyModel("Density contrast, Δρ", "g/cc", models["density"], signed=True)]
    paths = plotting.export_models(str(tmp_path), mesh, shown, active_cells=active)
    assert [path.name for path in paths][:2] == ["mesh.msh", "Density_contrast_Δρ.mod"]
    assert [path.suffix for path in paths][2:] in ([".vtr", ".npz"], [".vtu", ".npz"])
    assert all(path.stat().st_size > 0 for path in paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)


def test_nan_is_no_value(ground, tmp_path):
    mesh, active, models = ground
    values = models["density"].copy()
    values[3] = np.nan
    given = values.copy()
    paths = plotting.export_models(tmp_path, mesh, {"density": values}, active_cells=active, formats=("ubc", "npz"))
    written = mesh.read_model_UBC(str(paths[1]))
    assert (written == -99999.0).sum() == (~active).sum() + 1
    with np.load(paths[2]) as file:
        np.testing.assert_array_equal(file["density"], given)
    np.testing.assert_array_equal(values, given)


def test_two_dimensional_tensor_mesh(tmp_path):
    mesh = TensorMesh([[10.0] * 4, [5.0] * 3], origin="0N")
    paths = plotting.export_models(tmp_path, mesh, {"resistivity": np.arange(12.0)}, formats=("ubc", "npz"))
    again = TensorMesh.read_UBC(str(paths[0]))
    np.testing.assert_allclose(again.cell_centers, mesh.cell_centers)
    np.testing.assert_array_equal(again.read_model_UBC(str(paths[1])), np.arange(12.0))


@pytest.mark.parametrize(
    ("changes", "kind", "match"),
    [
        ({"models": np.ones(24)}, TypeError, r"got an array of shape \(24,\), wanted .*recipe\.properties\(m\)"),
        ({"models": {"m": np.ones(24)}}, ValueError, "got 24 values, 2 times the 12 active cells.*Split a whole model"),
        ({"models": {"m": np.ones(13)}}, ValueError, r"got shape \(13,\), wanted \(12,\)"),
        ({"models": {"m": np.full(12, np.inf)}}, ValueError, "infinite"),
        ({"models": {"m": np.full(12, np.nan)}}, ValueError, "nan"),
        ({"models": {}}, ValueError, "got no model"),
        ({"models": {"!": np.ones(12)}}, ValueError, "wanted a name with letters"),
        ({"models": {"active_cells": np.ones(12)}}, ValueError, "Rename it"),
        ({"models": {"a b": np.ones(12), "a_b": np.ones(12)}}, ValueError, "same file names"),
        ({"models": ["density"]}, TypeError, "PropertyModel"),
        ({"formats": "gocad"}, ValueError, r"got \['gocad'\], wanted some of"),
        ({"formats": ()}, ValueError, r"formats: got \[\]"),
        ({"active_cells": np.ones(11, dtype=bool)}, ValueError, "active_cells: got"),
    ],
)  # fmt: skip
def test_refusals_before_anything_is_written(tmp_path, changes, kind, match):
    mesh = TensorMesh([3, 2, 2])
    arguments = {"mesh": mesh, "models": {"m": np.ones(12)}, "formats": ("ubc", "npz"), **changes}
    with pytest.raises(kind, match=match):
        plotting.export_models(tmp_path / "new", **arguments)
    assert not list(tmp_path.iterdir())


def test_tree_meshes_that_ubc_does_not_know(tmp_path):
    flat = TreeMesh([[1.0] * 4] * 2, diagonal_balance=True)
    uneven = TreeMesh([[1.0, 1, 2, 2], [1.0] * 4, [1.0] * 4], diagonal_balance=True)
    for mesh in (flat, uneven):
        mesh.refine(2)
        with pytest.raises(ValueError, match=r"base cells of one size along each axis\. Leave out 'ubc'"):
            plotting.export_models(tmp_path, mesh, {"m": np.ones(mesh.n_cells)}, formats="ubc")


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"export_models\.folder: .*file cannot be made or is not a folder"):
        plotting.export_models(tmp_path / "file", TensorMesh([2, 2, 2]), {"m": np.ones(8)}, formats="npz")


def test_file_that_cannot_be_written(tmp_path):
    """VTK itself would only print; a folder stands where the file should."""
    pytest.importorskip("vtk", reason='needs VTK: pip install "simpeg_jointdl[plot3d]"')
    (tmp_path / "models.vtr").mkdir()
    with pytest.raises(OSError, match=r"VTK could not write .*models\.vtr"):
        plotting.export_models(tmp_path, TensorMesh([2, 2, 2]), {"m": np.ones(8)}, formats="vtk")


def test_without_vtk(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vtk", None)
    arguments = (tmp_path / "new", TensorMesh([2, 2, 2]), {"m": np.ones(8)})
    with pytest.raises(ImportError, match=r'needs vtk.*pip install "simpeg_jointdl\[plot3d\]"'):
        plotting.export_models(*arguments)
    assert not list(tmp_path.iterdir())
    assert len(plotting.export_models(*arguments, formats=("ubc", "npz"))) == 3
