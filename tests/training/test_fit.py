import csv
from contextlib import nullcontext

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from inspector.errors import ConfigError, DataError
from tests.parts import good_parts, scratched_parts, small_config, small_training_set
from training.fit import Start, TrainingSet, fit_model, untracked
from training.network import UnitLength

EPOCHS = 3


def fit(run_dir=None, start=Start.FRESH, data=None, track=untracked, **changes):
    return fit_model(small_config(**changes), data or small_training_set(), run_dir=run_dir, start=start, track=track)


def frozen(**changes):
    return small_config().network.model_copy(update={"train": "head"} | changes)


def embedding(model):
    return model.features(good_parts(5, seed=9)).embedding


def last_checkpoint(run_dir):
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)


def logged_losses(run_dir):
    """By version of the logs."""
    tables = sorted(run_dir.glob("logs/*/metrics.csv"))
    return [[float(row["loss"]) for row in csv.DictReader(table.open()) if row["loss"]] for table in tables]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def model(run_dir):
    return fit(run_dir, trainer={"max_epochs": EPOCHS, "log_every_n_steps": 1})


class TestLearning:
    def test_tells_a_known_defect_from_a_good_part(self, model):
        threshold = model.calibration.threshold

        assert (model.score(scratched_parts(20, seed=5)) > threshold).all()
        assert (model.score(good_parts(40, seed=6)) > threshold).mean() < 0.2

    def test_moves_a_known_defect_away_from_the_normals(self, model):
        """An untrained embedding sees them almost alike."""

        def similarity(model):
            good, scratched = (
                model.features(parts).embedding for parts in (good_parts(20, seed=5), scratched_parts(20, seed=6))
            )
            return (good @ scratched.T).mean()

        assert similarity(fit(trainer={"max_epochs": 0})) > 0.9
        assert similarity(model) < 0.5

    def test_the_same_seed_gives_the_same_model_to_the_last_bit(self, model):
        again = fit()

        np.testing.assert_array_equal(embedding(again), embedding(model))
        assert again.calibration == model.calibration

    def test_the_same_holds_for_a_head_on_features_computed_once(self):
        first, again = (fit(network=frozen()) for _ in range(2))

        np.testing.assert_array_equal(embedding(again), embedding(first))

    def test_another_seed_gives_another_model(self, model):
        assert not np.array_equal(embedding(fit(seed=1)), embedding(model))

    def test_the_loss_falls_and_is_logged_for_people_and_tensorboard(self, model, run_dir):
        (losses,) = logged_losses(run_dir)

        assert losses[-1] < 0.5 * losses[0]
        assert len(list(run_dir.glob("logs/*/events.out.tfevents.*"))) == 1

    def test_normals_alone_learn_nothing_and_still_judge(self):
        data = TrainingSet(normal=good_parts(40), held_out=good_parts(30, seed=1), anomalies={}, auxiliary={})

        model = fit(data=data)

        assert isinstance(model.network.head, UnitLength)
        assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()

    def test_a_frozen_trunk_and_auxiliary_classes(self):
        data = small_training_set()
        data = TrainingSet(data.normal, data.held_out, data.anomalies, {"bright": 255 - good_parts(10, seed=4)})

        model = fit(data=data, network=frozen())

        assert not any(parameter.requires_grad for parameter in model.network.trunk.parameters())
        assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()
        assert [each.name for each in model.anomaly_types] == ["scratch"]

    def test_too_few_pictures_for_a_batch(self):
        with pytest.raises(DataError, match="do not fill one batch of 512: lower batch_size"):
            fit(batch_size=512)


class TestFittedModel:
    def test_prototypes_are_unit_vectors_and_types_carry_their_settings(self, model):
        np.testing.assert_allclose(np.linalg.norm(model.prototypes, axis=1), 1, rtol=1e-5)
        (scratch,) = model.anomaly_types
        assert (scratch.name, scratch.critical, scratch.pictures) == ("scratch", True, 5)

    def test_a_known_defect_is_nearest_to_its_prototype(self, model):
        scratched, good = (
            model.features(parts).embedding for parts in (scratched_parts(20, seed=5), good_parts(20, seed=5))
        )

        assert (scratched @ model.prototypes[0]).min() > (good @ model.prototypes[0]).max()

    def test_patches_of_the_normals_are_standardised(self, model):
        patches = model.features(small_training_set().normal).patches

        np.testing.assert_allclose(patches.mean(axis=(0, 1, 2)), 0, atol=1e-2)
        assert np.median(patches.std(axis=(0, 1, 2))) == pytest.approx(1, abs=1e-2)

    def test_is_calibrated_on_normals_that_it_has_not_seen(self, model):
        held_out = model.score(small_training_set().held_out)

        assert model.calibration.normals == len(held_out)
        assert model.calibration.threshold == pytest.approx(held_out.max(), rel=2e-3)


class CtrlC(pl.Callback):
    """Presses Ctrl-C in the midst of the second epoch."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 2):
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """The folder of a fit that was stopped by Ctrl-C."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # Lightning would leave this process deaf to Ctrl-C
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, trainer={"max_epochs": EPOCHS, "log_every_n_steps": 1, "callbacks": [CtrlC()]})
    return tmp_path


class TestCheckpoints:
    def test_ctrl_c_leaves_where_it_was_to_make_a_model_from(self, interrupted, run_dir, model):
        left = last_checkpoint(interrupted)

        used = fit(interrupted, Start.CHECKPOINT)

        assert left["epoch"] == 1
        assert 0 < left["global_step"] < last_checkpoint(run_dir)["global_step"]
        weights = used.network.state_dict()
        for name, value in left["state_dict"].items():
            if name.startswith("model.head."):
                assert torch.equal(weights[name.removeprefix("model.")], value)

    def test_a_resume_goes_on_to_the_end(self, interrupted, run_dir, model):
        before = logged_losses(interrupted)

        resumed = fit(interrupted, Start.RESUME, trainer={"max_epochs": EPOCHS, "log_every_n_steps": 1})

        ended, whole = last_checkpoint(interrupted), last_checkpoint(run_dir)
        assert (ended["epoch"], ended["global_step"]) == (whole["epoch"], whole["global_step"])
        assert (resumed.score(scratched_parts(10, seed=5)) > resumed.calibration.threshold).all()
        # What was logged before the interruption is still there.
        assert logged_losses(interrupted)[:1] == before

    def test_a_resume_may_go_further_than_was_configured_at_first(self, model, run_dir, tmp_path):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.ckpt").write_bytes((run_dir / "checkpoints" / "last.ckpt").read_bytes())

        fit(tmp_path, Start.RESUME, trainer={"max_epochs": EPOCHS + 2})

        assert last_checkpoint(tmp_path)["epoch"] == EPOCHS + 1

    def test_the_checkpoint_of_a_finished_fit_makes_the_same_model(self, model, run_dir):
        again = fit(run_dir, Start.CHECKPOINT)

        np.testing.assert_array_equal(embedding(again), embedding(model))
        assert again.calibration == model.calibration

    def test_a_second_fit_replaces_the_checkpoint_of_the_first(self, tmp_path):
        first = fit(tmp_path, trainer={"max_epochs": 1})
        second = fit(tmp_path, trainer={"max_epochs": 1}, seed=1)

        used = fit(tmp_path, Start.CHECKPOINT)

        assert not np.array_equal(embedding(first), embedding(second))
        np.testing.assert_array_equal(embedding(used), embedding(second))
        assert len(list((tmp_path / "checkpoints").iterdir())) == 1

    @pytest.mark.parametrize("start", [Start.RESUME, Start.CHECKPOINT])
    def test_no_checkpoint_is_said(self, tmp_path, start):
        with pytest.raises(DataError, match=r"there is no .*last\.ckpt"):
            fit(tmp_path, start)

    @pytest.mark.parametrize("start", [Start.RESUME, Start.CHECKPOINT])
    def test_a_checkpoint_of_another_network_is_said(self, model, run_dir, start):
        other = small_config().network.model_copy(update={"embedding_dim": 16})

        with pytest.raises(DataError, match=r"last\.ckpt: damaged, or made with another network"):
            fit(run_dir, start, network=other)

    @pytest.mark.parametrize("content", [b"", b"torn"])
    def test_a_damaged_checkpoint_is_said(self, tmp_path, content):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.ckpt").write_bytes(content)

        with pytest.raises(DataError, match=r"last\.ckpt: damaged"):
            fit(tmp_path, Start.RESUME)


class TestTrainerOptions:
    def test_reach_lightning_as_they_are(self, tmp_path):
        options = {"max_epochs": 5, "limit_train_batches": 1, "log_every_n_steps": 1, "accumulate_grad_batches": 1}
        fit(tmp_path, trainer=options)

        (losses,) = logged_losses(tmp_path)
        assert len(losses) == 5
        assert last_checkpoint(tmp_path)["global_step"] == 5

    @pytest.mark.parametrize(
        ("options", "files"),
        [
            ({"enable_progress_bar": False}, {"checkpoints", "logs"}),
            ({"enable_checkpointing": False}, {"logs"}),
            ({"logger": False}, {"checkpoints"}),
        ],
    )
    def test_what_is_switched_off_is_off(self, tmp_path, options, files):
        fit(tmp_path, trainer={"max_epochs": 1, "log_every_n_steps": 1, **options})

        assert {path.name for path in tmp_path.iterdir()} == files

    def test_a_training_in_another_precision_ends_in_single(self):
        model = fit(trainer={"max_epochs": 1, "precision": "bf16-true"})

        assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}
        assert np.isfinite(model.score(good_parts(3))).all()

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (
                {"max_epoch": 5},
                r"trainer\.max_epoch: .* no such option; did you mean 'max_epochs'",
            ),
            ({"epochs": 5, "precison": 32}, r"(?s)trainer\.epochs: .*trainer\.precison: .*'precision'"),
            ({"max_epochs": "five"}, r"trainer\.max_epochs: Input should be a valid integer"),
            ({"max_epochs": 2.5}, r"trainer\.max_epochs: "),
            ({"callbacks": ["EarlyStopping"]}, r"trainer\.callbacks: Input should be an instance of Callback"),
            ({"accelerator": "abacus"}, "trainer: Lightning does not take .*abacus"),
            ({"limit_train_batches": 2.5}, "trainer: Lightning does not take .*limit_train_batches"),
            ({"max_time": "00:00:01:00"}, "trainer: give max_epochs or max_steps"),
        ],
    )
    def test_a_mistake_is_named(self, options, says):
        with pytest.raises(ConfigError, match=says):
            fit(trainer=options)

    def test_a_mistake_is_told_before_the_pictures_are_computed(self):
        worked = []

        def track(what, total):
            worked.append(what)
            return nullcontext(lambda _: None)

        with pytest.raises(ConfigError, match=r"trainer\.max_epoch"):
            fit(network=frozen(), trainer={"max_epoch": 5}, track=track)
        assert worked == []
