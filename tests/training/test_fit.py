import csv

import numpy as np
import pytest
import pytorch_lightning as pl

from inspector.errors import ConfigError, DataError
from tests.parts import good_parts, scratched_parts, small_config, small_training_set
from training.fit import Start, TrainingSet, fit_model
from training.network import UnitLength


def fit(run_dir=None, start=Start.FRESH, data=None, **changes):
    return fit_model(small_config(**changes), data or small_training_set(), run_dir=run_dir, start=start)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def model(run_dir):
    return fit(run_dir, trainer={"max_epochs": 3, "log_every_n_steps": 1})


def test_learning_tells_a_known_defect_from_a_good_part(model):
    threshold = model.calibration.threshold

    assert (model.score(scratched_parts(20, seed=5)) > threshold).all()
    assert (model.score(good_parts(40, seed=6)) > threshold).mean() < 0.2


def test_the_same_seed_gives_the_same_model_to_the_last_bit(model):
    again = fit()
    parts = good_parts(5, seed=9)

    np.testing.assert_array_equal(again.features(parts).embedding, model.features(parts).embedding)
    assert again.calibration == model.calibration


def test_another_seed_gives_another_model(model):
    other = fit(seed=1)
    parts = good_parts(5, seed=9)

    assert not np.array_equal(other.features(parts).embedding, model.features(parts).embedding)


def test_the_loss_falls_and_is_logged_for_people_and_tensorboard(model, run_dir):
    (logs,) = (run_dir / "logs").iterdir()
    with (logs / "metrics.csv").open() as rows:
        losses = [float(row["loss"]) for row in csv.DictReader(rows) if row["loss"]]

    assert losses[-1] < losses[0]
    assert list(logs.glob("events.out.tfevents.*"))


def test_prototypes_are_unit_vectors_and_types_carry_their_settings(model):
    np.testing.assert_allclose(np.linalg.norm(model.prototypes, axis=1), 1, rtol=1e-5)
    (scratch,) = model.anomaly_types
    assert (scratch.name, scratch.critical, scratch.pictures) == ("scratch", True, 5)


def test_patches_of_the_normals_are_standardised(model):
    patches = model.features(small_training_set().normal).patches

    np.testing.assert_allclose(patches.mean(axis=(0, 1, 2)), 0, atol=1e-2)


def test_normals_alone_learn_nothing_and_still_judge():
    data = TrainingSet(normal=good_parts(40), held_out=good_parts(30, seed=1), anomalies={}, auxiliary={})

    model = fit(data=data)

    assert isinstance(model.network.head, UnitLength)
    assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()


def test_a_frozen_trunk_and_auxiliary_classes():
    data = small_training_set()
    data = TrainingSet(data.normal, data.held_out, data.anomalies, {"bright": 255 - good_parts(10, seed=4)})

    network = small_config().network.model_copy(update={"train": "head"})
    model = fit(data=data, network=network)

    assert not any(parameter.requires_grad for parameter in model.network.trunk.parameters())
    assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()


class CtrlC(pl.Callback):
    """Presses Ctrl-C in the second epoch."""

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_a_checkpoint_to_resume_or_to_use(tmp_path, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, trainer={"max_epochs": 3, "callbacks": [CtrlC()]})
    assert (tmp_path / "checkpoints" / "last.ckpt").exists()

    used = fit(tmp_path, Start.CHECKPOINT)
    resumed = fit(tmp_path, Start.RESUME)

    parts = good_parts(5, seed=9)
    assert not np.array_equal(used.features(parts).embedding, resumed.features(parts).embedding)
    again = fit(tmp_path, Start.CHECKPOINT)
    np.testing.assert_allclose(again.features(parts).embedding, resumed.features(parts).embedding, atol=1e-6)


@pytest.mark.parametrize("start", [Start.RESUME, Start.CHECKPOINT])
def test_no_checkpoint_is_said(tmp_path, start):
    with pytest.raises(DataError, match=r"there is no .*last\.ckpt"):
        fit(tmp_path, start)


def test_trainer_options_reach_lightning_as_they_are(tmp_path):
    fit(tmp_path, trainer={"max_epochs": 5, "limit_train_batches": 1, "log_every_n_steps": 1})

    (table,) = tmp_path.glob("logs/*/metrics.csv")
    assert len(table.read_text().splitlines()) == 1 + 5
    with pytest.raises(ConfigError, match=r"trainer\.max_epoch: .*did you mean 'max_epochs'"):
        fit(trainer={"max_epoch": 5})


def test_too_few_pictures_for_a_batch(tmp_path):
    with pytest.raises(DataError, match="do not fill one batch of 512"):
        fit(batch_size=512)
