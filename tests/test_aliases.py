"""Every public name of version 0.1.0 can still be imported from where it was."""

import importlib
import warnings

import pytest

from simpeg_jointdl import recipes

PUBLIC_IN_0_1_0 = {
    "data_misfit": "BaseRobustDataMisfit HuberDataMisfit StudentTDataMisfit",
    "datasets": (
        "load synthetic make_geology make_two_blocks remove_trend upward_continue GravityData MagneticData "
        "GravityMagneticDataset read_edi MTStations MTSoundings"
    ),
    "datasets.synthetic": (
        "make_geology sample_geology sample_layered_earth layer_thicknesses make_soundings make_two_blocks "
        "DEFAULT_KINDS"
    ),
    "directives": (
        "BalanceMisfits CoolCouplings EstimateCouplingWeights JointBetaSchedule SaveCheckpoint SaveLog ShowProgress "
        "TakeTurns UpdateDataSpacePreconditioner UpdateFuzzyClusters UpdateJointIRLS UpdateJointPreconditioner "
        "UpdateJointSensitivityWeights read_log resume"
    ),
    "electromagnetics": "natural_source",
    "electromagnetics.natural_source": (
        "DeterminantImpedance Simulation1DStitched create_survey Data Simulation1DRecursive Survey receivers sources"
    ),
    "kernels": (
        "cell_gradient cell_laplacian pair_coefficients volume_coefficients layered_impedance "
        "layered_impedance_derivatives layered_sounding MU_0 SparseMatrix matvec NODE_FUNCTIONS node_function "
        "cell_values gather_cells GRAVITY_COMPONENTS gravity_terms MAGNETIC_COMPONENTS magnetic_terms field_direction "
        "magnetizations"
    ),
    "maps": "TorchMap INRMap DecoderMap GravMagMap EnsembleMap",
    "networks": (
        "GeologyVAE GravMagUNet GravMagPrediction MT1DUNet LayerPosterior ImplicitNetwork NetworkEnsemble "
        "IdentityEncoding PositionalEncoding FourierEncoding HashEncoding Sine Finer Gauss Gabor LeakyReLU Tanh GELU "
        "with_adapters without_adapters save_weights load_weights read_card"
    ),
    "networks.train": "main TASKS",
    "optimization": (
        "ProjectedGNCG BoundedGaussNewton LevenbergMarquardt EnsembleLevenbergMarquardt Occam TorchMinimize"
    ),
    "plotting": (
        "DataFit PropertyModel plot_cell_values plot_center_search plot_convergence plot_crossplot plot_data_fit "
        "plot_depth_slices plot_layered_model plot_misfit_map plot_models plot_section plot_sounding show_3d "
        "export_models"
    ),
    "potential_fields": "gravity magnetics",
    "potential_fields.gravity": (
        "Simulation3DIntegral Point Simulation3DDifferential SimulationEquivalentSourceLayer SourceField Survey "
        "analytics receivers sources survey"
    ),
    "potential_fields.magnetics": (
        "Simulation3DIntegral Point Simulation3DDifferential SimulationEquivalentSourceLayer UniformBackgroundField "
        "Survey analytics receivers sources survey"
    ),
    "recipes": (
        "create_joint_inversion create_inr_inversion create_inr_ensemble create_prior_inversion "
        "create_finetuned_inversion create_mt_inversion find_centers CenterSearch Ensemble EnsembleRecipe "
        "FinetunedRecipe MTRecipe Recipe RetrainingRecipe"
    ),
    "regularization": (
        "BaseCoupling CrossGradient Gramian GuidedFuzzyCMeans Linearization LocalPearson SharedStructure "
        "shared_structure structural_similarity"
    ),
    "testing": (
        "check_cell_values check_close check_coupling check_derivative_order check_diagonal check_hessian check_map "
        "check_operator check_ownership check_simulation check_value"
    ),
}

#: Where a name is now, if that is another module, and whether the old place warns.
MOVED = {
    "datasets.GravityData": ("data", False),
    "datasets.MagneticData": ("data", False),
    "datasets.GravityMagneticDataset": ("data", False),
    "datasets.MTSoundings": ("data", False),
    "datasets.MTStations": ("data", False),
    "datasets.remove_trend": ("data", False),
    "datasets.upward_continue": ("data", False),
    "datasets.read_edi": ("io", False),
    "plotting.export_models": ("io", False),
    "plotting.PropertyModel": ("data", False),
    "regularization.SharedStructure": ("diagnostics", True),
    "regularization.shared_structure": ("diagnostics", True),
    "regularization.structural_similarity": ("diagnostics", True),
}


def module(name):
    return importlib.import_module(f"simpeg_jointdl.{name}")


@pytest.mark.parametrize("door", PUBLIC_IN_0_1_0)
def test_public_names_of_0_1_0(door):
    """They are there; only those that are said to warn do."""
    for name in PUBLIC_IN_0_1_0[door].split():
        _, warns = MOVED.get(f"{door}.{name}", (None, False))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(module(door), name)
        assert [one.category for one in caught] == [DeprecationWarning] * warns, f"{door}.{name}"


@pytest.mark.filterwarnings("ignore:simpeg_jointdl.regularization:DeprecationWarning")
@pytest.mark.parametrize("old", MOVED)
def test_moved_names_are_the_same_objects(old):
    door, name = old.rsplit(".", 1)
    new, _ = MOVED[old]
    assert getattr(module(door), name) is getattr(module(new), name)
    assert name in module(new).__all__


def test_the_training_of_a_retraining_recipe_keeps_its_old_name():
    recipe = recipes.RetrainingRecipe(None, None, {}, None)
    recipe.teach = len
    assert recipe.train is len
    assert recipe.teach is len
