"""Training loop: learning, early stopping, checkpoints, and runs that are killed and resumed."""

import csv
import logging
import sys

import pytest
import torch

from simpeg_jointdl import networks
from simpeg_jointdl.networks import train
from simpeg_jointdl.networks.training import Plan, Training, make_fabric


class Line:
    """Task of fitting a line through random points, as small as a task can be."""

    def __init__(self, random_seed=0, bad_step=None):
        self.network = torch.nn.utils.skip_init(torch.nn.Linear, 1, 1, bias=False)
        torch.nn.init.zeros_(self.network.weight)
        self.generator = torch.Generator().manual_seed(random_seed)
        self.bad_step, self.n_losses = bad_step, 0

    def loss(self, progress):
        x = torch.randn(8, 1, generator=self.generator)
        loss = (self.network(x) - 3.0 * x).square().mean()
        self.n_losses += 1
        return loss * (torch.nan if self.n_losses == self.bad_step else 1.0), {"progress": progress}

    def validate(self):
        return {"score": abs(self.network.weight.item() - 3.0)}


PLAN = {"n_steps": 40, "learning_rate": 0.3, "validate_every": 10, "patience": 3}


def make_training(folder, task=None, identity=None, **options):
    return Training(
        task or Line(),
        Plan(**PLAN | options),
        folder / "line.safetensors",
        identity or {"network": "line"},
        make_fabric("cpu"),
    )


def ignore(training, row):
    """Report nothing."""


def stop_after(n_steps):
    def report(training, row):
        if training.step >= n_steps:
            raise KeyboardInterrupt

    return report


# the loop -----------------------------------------------------------------------------------------------
def test_training_keeps_the_best_state(tmp_path):
    training = make_training(tmp_path, n_steps=200)
    metrics = training.run(ignore)
    assert metrics["score"] < 0.05
    assert metrics["score"] == min(row["score"] for row in training.rows)
    assert training.task.validate() == metrics


@pytest.mark.parametrize("n_steps", [10, 30])
def test_a_resumed_run_gives_the_same_result(tmp_path, n_steps):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    first = make_training(whole)
    first.run(ignore)
    with pytest.raises(KeyboardInterrupt):
        make_training(parts).run(stop_after(n_steps))
    second = make_training(parts, Line(random_seed=77))  # the checkpoint replaces its state
    second.resume()
    assert second.step == n_steps
    second.run(ignore)
    assert torch.equal(first.task.network.weight, second.task.network.weight)
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in t.rows] for t in (first, second)]
    assert rows[0] == rows[1]


def test_training_stops_early(tmp_path):
    training = make_training(tmp_path, Line(), n_steps=10_000, learning_rate=1e-12)
    training.task.validate = lambda: {"score": 1.0}
    training.run(ignore)
    assert training.step == 40  # one best validation, then three that are not better
    assert training.is_done


def test_the_log_is_a_table(tmp_path):
    make_training(tmp_path).run(ignore)
    with (tmp_path / "line.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["10", "20", "30", "40"]
    assert set(rows[0]) == {"step", "seconds", "loss", "progress", "score"}


# bad input ----------------------------------------------------------------------------------------------
def test_a_loss_that_is_nan_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    training = make_training(tmp_path, Line(bad_step=26))
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 25\. The last checkpoint"):
        training.run(ignore)
    again = make_training(tmp_path)
    again.resume()
    assert again.step == 20


def test_a_gradient_that_is_not_finite_skips_one_step(tmp_path, caplog):
    class Steep(Line):
        def loss(self, progress):
            loss, terms = super().loss(progress)
            if self.n_losses == 7:
                loss = loss + 0.0 * torch.sqrt((self.network.weight - self.network.weight.detach()).abs()).sum()
            return loss, terms

    training = make_training(tmp_path, Steep(), n_steps=200)
    with caplog.at_level(logging.WARNING, "simpeg_jointdl"):
        metrics = training.run(ignore)
    assert metrics["score"] < 0.05
    assert caplog.text.count("the gradient at step 6 is not finite; that step was skipped") == 1


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    make_training(tmp_path).run(ignore)
    with pytest.raises(ValueError, match=r"is of a run with \{'n_steps': 40\}, but this run has \{'n_steps': 50\}"):
        make_training(tmp_path, n_steps=50).resume()
    with pytest.raises(ValueError, match=r"\{'network': 'line'\}, but this run has \{'network': 'curve'\}"):
        make_training(tmp_path, identity={"network": "curve"}).resume()


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"line\.checkpoint\.safetensors"):
        make_training(tmp_path).resume()


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"Training\.output: cannot write"):
        make_training(tmp_path / "nowhere")


# the command --------------------------------------------------------------------------------------------
@pytest.fixture
def command(tmp_path, monkeypatch):
    """Function that runs the command for a few steps of a tiny geology network."""
    from simpeg_jointdl.networks.geology import _task

    tiny = {
        "plan": {"n_steps": 4, "learning_rate": 1e-3, "validate_every": 2, "patience": 10},
        "network": {"shape": (8, 16, 16), "n_latent": 8, "n_bodies": 2, "width": 16},
        "n_samples": 3,
        "n_points": 64,
        "n_validation": 4,
    }
    monkeypatch.setitem(_task.SIZES, "small", tiny)

    def run(name="geology", *options):
        return train.main(["geology", "--size", "small", "--output", str(tmp_path / f"{name}.safetensors"), *options])

    return run


def test_the_command_writes_weights_with_their_card(tmp_path, command, capsys):
    card = command()
    assert (card["architecture"], card["n_steps"], card["random_seed"]) == ("GeologyVAE", 4, 0)
    assert card["command"].startswith("python -m simpeg_jointdl.networks.train geology --size small --seed 0 --steps 4")
    assert {"score", "rms_mixed", "iou_blocks"} <= set(card["metrics"])
    network = networks.GeologyVAE.from_pretrained(tmp_path / "geology.safetensors")
    assert network.decode(torch.zeros(1, 8)).shape == (1, 2, 8, 16, 16)
    assert "step 4" in capsys.readouterr().err
    names = {path.name for path in tmp_path.iterdir()}
    endings = ("safetensors", "json", "csv", "checkpoint.safetensors", "checkpoint.json")
    assert names == {f"geology.{ending}" for ending in endings}


def test_the_command_is_reproducible_and_resumes(tmp_path, command):
    def state(name):
        return networks.load_weights(tmp_path / f"{name}.safetensors")[0]

    command("one")
    command("two")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train._Progress, "report", lambda self, training, row: stop_after(2)(training, row))
        with pytest.raises(KeyboardInterrupt):
            command("three")
    command("three", "--resume")
    command("other", "--seed", "1")
    one, two, three, other = (state(name) for name in ("one", "two", "three", "other"))
    assert all(torch.equal(one[key], two[key]) and torch.equal(one[key], three[key]) for key in one)
    assert not torch.equal(one["decoder.hidden.0.weight"], other["decoder.hidden.0.weight"])


def test_unknown_networks_are_refused(capsys):
    with pytest.raises(SystemExit):
        train.main(["astrology"])
    assert "invalid choice: 'astrology'" in capsys.readouterr().err


def test_the_magnetotelluric_networks_train_small(tmp_path):
    for name, design in (("mt1d", "wide"), ("mt1d_published", "published")):
        path = tmp_path / f"{name}.safetensors"
        card = train.main([name, "--size", "small", "--output", str(path), "--precision", "bf16-mixed"])
        assert card["config"]["design"] == design
        assert card["metrics"]["r2_mixed"] > 0.5
        network = networks.MT1DUNet.from_pretrained(path)
        assert network.predict([1.0, 10.0, 100.0], [30.0] * 3, [45.0] * 3).shape == (1, 40)
        assert network.card["precision"] == "bf16-mixed"


def test_training_may_start_from_given_weights(tmp_path, command):
    first = command("first")
    second = command("second", "--initial", str(tmp_path / "first.safetensors"), "--seed", "5")
    assert second["initial"]["command"] == first["command"]
    assert second["command"].endswith("--initial first.safetensors")
    states = [networks.load_weights(tmp_path / f"{name}.safetensors")[0] for name in ("first", "second")]
    distance = max(float((states[0][name].double() - states[1][name].double()).abs().max()) for name in states[0])
    assert 0.0 < distance < 0.05  # four Adam steps from the given weights, not from other initial weights


def test_two_processes_average_their_gradients(tmp_path):
    """With gloo on the CPU: other samples than with one process, reproducible, and files written once."""
    states = []
    for name, options in (("one", ["--processes", "1"]), ("two", []), ("again", [])):
        path = tmp_path / f"{name}.safetensors"
        arguments = ["mt1d", "--size", "small", "--steps", "4", "--output", str(path), "--processes", "2", *options]
        card = train.main(arguments)
        assert card["sha256"]
        states.append(networks.load_weights(path)[0])
    one, two, again = states
    assert all(torch.equal(two[key], again[key]) for key in two)
    assert not torch.equal(one["head.bias"], two["head.bias"])
    generators = networks.load_weights(tmp_path / "two.checkpoint.safetensors")[0]["generators"]
    assert len(generators) == 2
    assert not torch.equal(*generators)


def test_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "simpeg_jointdl\[train\]"'):
        make_fabric("cpu")


def test_zero_processes_are_refused():
    with pytest.raises(ValueError, match=r"make_fabric\.n_processes: got 0, wanted a whole number of at least 1"):
        make_fabric("cpu", 0)
    with pytest.raises(ValueError, match="--processes: got 0"):
        train.main(["mt1d", "--processes", "0"])
