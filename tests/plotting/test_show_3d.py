"""Bodies in 3-D: which cells are shown, in which colours, and a picture without a window."""

import sys

import numpy as np
import pytest
from discretize import TensorMesh, TreeMesh

from simpeg_jointdl.plotting import PropertyModel, show_3d


@pytest.fixture
def pyvista():
    module = pytest.importorskip("pyvista", reason='needs pyvista: pip install "simpeg_jointdl[plot3d]"')
    before = module.OFF_SCREEN
    module.OFF_SCREEN = True
    yield module
    module.OFF_SCREEN = before
    module.close_all()


@pytest.fixture(params=["tensor", "tree"])
def ground(request):
    """Mesh, active cells below a slope, and a block's (n_active,) values."""
    if request.param == "tensor":
        mesh = TensorMesh([[100.0] * 12, [100.0] * 10, [50.0] * 8], origin="CCN")
    else:
        mesh = TreeMesh([[50.0] * 16] * 3, origin="CCN", diagonal_balance=True)
        mesh.refine_bounding_box(np.array([[-150.0, -150, -400], [150, 150, 0]]), level=-1)
    centers = mesh.cell_centers
    active = centers[:, 2] < -30 - 0.1 * centers[:, 0]
    inside = (np.abs(centers[:, :2]) < 150).all(axis=1) & (np.abs(centers[:, 2] + 200) < 100)
    return mesh, active, np.where(inside, 0.4, 0.0)[active]


def mappers(renderer):
    found = (getattr(actor, "mapper", None) for actor in renderer.actors.values())
    return [mapper for mapper in found if hasattr(mapper, "dataset")]


def bodies(plotter):
    """What is shown with values, view by view."""
    meshes = [[mapper.dataset for mapper in mappers(renderer)] for renderer in plotter.renderers]
    return [[m for m in each if "values" in m.array_names] for each in meshes]


def test_cells_above_half_the_strongest_color_are_shown(pyvista, ground):
    mesh, active, values = ground
    models = [PropertyModel("Density", "g/cc", -values, signed=True), PropertyModel("κ", "SI", values / 10)]
    plotter = show_3d(mesh, models, active_cells=active)
    for (body,), model in zip(bodies(plotter), models, strict=True):
        np.testing.assert_allclose(body["values"], model.values[values > 0])
        volume = body.compute_cell_sizes(length=False, area=False)["Volume"].sum()
        assert volume == pytest.approx(mesh.cell_volumes[active][values > 0].sum())
    first, second = (mappers(renderer)[0].scalar_range for renderer in plotter.renderers)
    assert (first, second) == ((-0.4, 0.4), (0.0, pytest.approx(0.04)))
    assert plotter.renderers[0].camera is plotter.renderers[1].camera


def test_thresholds_limits_and_exaggeration(pyvista, ground):
    mesh, active, _ = ground
    model = PropertyModel("x", "m", mesh.cell_centers[active, 0], signed=True)
    ((body,),) = bodies(show_3d(mesh, model, active_cells=active, thresholds={"x": (100, 250)}))
    assert body["values"].min() >= 100
    assert body["values"].max() <= 250
    ((body,),) = bodies(show_3d(mesh, model, active_cells=active, thresholds={"x": 200}))
    assert np.abs(body["values"]).min() >= 200
    assert body["values"].min() < 0
    view = [[-250, 0], [-1e3, 1e3], [-1e3, 0]]
    plotter = show_3d(mesh, model, active_cells=active, thresholds={"x": 0}, limits=view, vertical_exaggeration=3)
    ((body,),) = bodies(plotter)
    assert body["values"].max() <= 0
    assert body.bounds[4] == pytest.approx(-1200 if isinstance(mesh, TensorMesh) else -2400)


def test_surfaces_and_true_edges(pyvista, ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", values)
    plotter = show_3d(mesh, model, active_cells=active, isovalues={"Density": [0.1, 0.2]}, true_models=[values])
    ((surface, edges),) = bodies(plotter)
    np.testing.assert_allclose(np.unique(np.round(surface["values"], 6)), [0.1, 0.2])
    half = 100 if isinstance(mesh, TensorMesh) else 150
    np.testing.assert_allclose(np.abs(np.array(edges.bounds[:4])), half)


def test_a_model_without_anything_to_show(pyvista, ground):
    mesh, active, values = ground
    plotter = show_3d(mesh, PropertyModel("a", "", 0 * values), active_cells=active, thresholds={"a": 1.0})
    assert bodies(plotter) == [[]]


def test_a_graded_truth_has_edges(pyvista):
    mesh = TensorMesh([[10.0] * 8] * 3)
    truth = np.maximum(0, 30 - np.linalg.norm(mesh.cell_centers - 40, axis=1))
    show_3d(mesh, PropertyModel("a", "", truth), true_models=[truth])


def test_screenshot_needs_no_window(pyvista, ground, tmp_path):
    mesh, active, values = ground
    model = PropertyModel("ρ", "Ω·m", 10.0 ** (5 * values), log=True)
    plotter = show_3d(mesh, [model, model], active_cells=active, screenshot=tmp_path / "bodies.png")
    assert plotter.off_screen
    header = (tmp_path / "bodies.png").read_bytes()[:24]
    assert header[1:4] == b"PNG"
    assert [int.from_bytes(header[k : k + 4], "big") for k in (16, 20)] == [1600, 700]
    assert plotter.image.std() > 5  # something is there
    with pytest.raises(FileNotFoundError, match="screenshot: there is no folder"):
        show_3d(mesh, model, active_cells=active, screenshot=tmp_path / "none" / "bodies.png")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"thresholds": {"b": 1.0}}, r"show_3d.thresholds: got names \['b'\], wanted some of \['a'\]"),
        ({"isovalues": {"b": 1.0}}, r"show_3d.isovalues: got names"),
        ({"true_models": [np.ones(7)]}, "show_3d.true_models of 'a'"),
        ({"limits": [[0.1, 0.2]] * 3}, "no active cell with its centre"),
        ({"mesh": TensorMesh([4, 2])}, "got a 2-D mesh, wanted a 3-D mesh"),
    ],
)
def test_refusals(pyvista, changes, match):
    arguments = {"mesh": TensorMesh([2, 2, 2]), "models": PropertyModel("a", "", np.arange(8.0)), **changes}
    with pytest.raises(ValueError, match=match):
        show_3d(**arguments)


def test_without_pyvista(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(ImportError, match=r'show_3d needs pyvista.*pip install "simpeg_jointdl\[plot3d\]"'):
        show_3d(TensorMesh([2, 2, 2]), PropertyModel("a", "", np.ones(8)))
