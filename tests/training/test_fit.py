from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import ConfigError, DataError
from inspector.naming import UNKNOWN
from tests.parts import (
    PARTS_WITH_EVIDENCE,
    frozen_network,
    good_parts,
    scratched_parts,
    small_config,
    small_training_set,
    spotted_parts,
)
from training import choice, leftout, parts
from training.choice import UNJUDGED
from training.config import AnomalyTypeSettings, DataSettings
from training.fit import FEWEST, fit_model
from training.learn import Start
from training.network import UnitLength
from training.promise import Terms, TooFewNormalsError
from training.seen import TrainingSet, untracked


def fit(pictures=None, run_dir=None, start=Start.FRESH, track=untracked, **changes):
    pictures = pictures or small_training_set()
    return fit_model(small_config(**changes), pictures, run_dir=run_dir, start=start, track=track)


def frozen(pictures=None, **changes):
    return fit(pictures, **{"network": frozen_network(), "scorers": PARTS_WITH_EVIDENCE, **changes})


def embedding(model):
    return model.features(good_parts(5, seed=9)).embedding


@pytest.fixture(scope="module")
def model():
    return fit()


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

    def test_the_same_holds_for_heads_on_features_computed_once(self, of_two_types, pictures_of_two_types):
        again = frozen(pictures_of_two_types)

        np.testing.assert_array_equal(embedding(again), embedding(of_two_types))
        assert again.calibration == of_two_types.calibration
        assert again.gate == of_two_types.gate

    def test_another_seed_gives_another_model(self, model):
        assert not np.array_equal(embedding(fit(seed=1)), embedding(model))

    def test_normals_alone_learn_nothing_and_still_judge(self):
        model = fit(TrainingSet(good_parts(40), good_parts(30, seed=1), {}, {}))

        assert isinstance(model.network.head, UnitLength)
        assert (model.gate, model.namer) == (None, None)
        assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()

    def test_a_frozen_trunk_and_auxiliary_classes(self, of_two_types):
        assert not any(parameter.requires_grad for parameter in of_two_types.network.trunk.parameters())
        for defects in (scratched_parts(10, seed=5), spotted_parts(10, seed=5)):
            assert (of_two_types.score(defects) > of_two_types.calibration.threshold).mean() > 0.9
        assert [each.name for each in of_two_types.anomaly_types] == ["scratch", "spot"]

    def test_too_few_pictures_for_a_batch(self):
        with pytest.raises(DataError, match="do not fill one batch of 512: lower batch_size"):
            fit(batch_size=512)

    def test_the_checkpoint_makes_the_same_model(self, tmp_path, pictures_of_two_types):
        """Though every fold learns a head of its own meanwhile."""
        first = frozen(pictures_of_two_types, run_dir=tmp_path)

        used = frozen(pictures_of_two_types, run_dir=tmp_path, start=Start.CHECKPOINT)

        np.testing.assert_array_equal(embedding(used), embedding(first))
        assert used.calibration == first.calibration
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.ckpt"]
        assert len(list((tmp_path / "logs").iterdir())) == 1

    def test_a_mistake_in_the_options_is_told_before_the_pictures_are_computed(self):
        worked = []

        def track(what, total):
            worked.append(what)
            return nullcontext(lambda _: None)

        with pytest.raises(ConfigError, match=r"trainer\.max_epoch"):
            frozen(trainer={"max_epoch": 5}, track=track)
        assert worked == []


class TestFewNormals:
    def test_twenty_give_a_model_that_says_what_more_would_buy(self, caplog):
        model = frozen(TrainingSet(good_parts(15), good_parts(5, seed=1), {}, {}))

        assert (model.score(scratched_parts(10, seed=5)) > model.calibration.threshold).all()
        assert 0 < model.more_normals < 0.5
        assert "5 held-out normals cannot support a false-reject rate of 1 %" in caplog.text

    def test_fewer_than_the_folds_need_are_refused(self):
        data = TrainingSet(good_parts(FEWEST - 1), good_parts(5, seed=1), {}, {})

        with pytest.raises(DataError, match=f"{FEWEST - 1} normal pictures .* {FEWEST} are needed"):
            frozen(data)

    def test_as_many_as_they_need_are_enough(self):
        data = TrainingSet(good_parts(FEWEST), good_parts(5, seed=1), {"scratch": scratched_parts(4)}, {})

        assert np.isfinite(frozen(data).score(good_parts(3, seed=2))).all()


class TestGate:
    def test_a_network_trained_as_a_whole_ships_with_its_anomalies_unjudged(self):
        model = fit(scorers=PARTS_WITH_EVIDENCE, trainer={"max_epochs": 1})

        assert model.gate is UNJUDGED
        assert model.scorer.gain == UNJUDGED.gain
        assert len(model.scorer.parts) == len(PARTS_WITH_EVIDENCE)

    def test_anomalies_that_help_ship_with_evidence(self, of_two_types):
        gate = of_two_types.gate

        assert gate.ships == "with anomalies"
        assert gate.pictures == 11
        assert gate.gain == of_two_types.scorer.gain > 0
        kinds = [part.record.kind for part in of_two_types.scorer.parts]
        assert kinds == ["mahalanobis", "mahalanobis", "patches", "discriminant", "known_patches"]

    def test_anomalies_that_are_none_leave_what_normals_alone_would_give(self, pictures_of_two_types, monkeypatch):
        stays = UNJUDGED.model_copy(update={"ships": "normals only", "gain": 0.0})
        monkeypatch.setattr(choice, "decide", lambda *_: stays)

        kept = frozen(pictures_of_two_types)
        without = frozen(replace(pictures_of_two_types, anomalies={}))

        assert kept.gate is stays
        assert [part.record for part in kept.scorer.parts] == [part.record for part in without.scorer.parts]
        for one, other in zip(kept.scorer.parts, without.scorer.parts, strict=True):
            if one.record.of == "pooled" or one.record.kind == "patches":
                parts = scratched_parts(5, seed=7)
                np.testing.assert_allclose(
                    one.score(kept.features(parts)), other.score(without.features(parts)), rtol=1e-3
                )

    def test_one_picture_ships_normals_only(self, pictures_of_two_types):
        one = {"scratch": pictures_of_two_types.anomalies["scratch"][:1]}

        model = frozen(replace(pictures_of_two_types, anomalies=one))

        assert (model.gate.ships, model.gate.gain) == ("normals only", 0.0)
        assert [part.record.kind for part in model.scorer.parts] == ["mahalanobis", "mahalanobis", "patches"]
        assert [each.name for each in model.anomaly_types] == ["scratch"], "it can be named all the same"
        assert len(model.namer.directions) == 1


def test_no_fold_is_fitted_on_a_picture_that_it_leaves_out(pictures_of_two_types, monkeypatch):
    """From the pictures to the scorers: what each fit is given is known again by what the backbone sees in it."""
    folds, given = [None], []
    plan, fit_part, fit_namer = leftout.plan, leftout.fit_part, leftout.fit_namer

    def planned(*counts):
        for fold in plan(*counts):
            folds.append(fold)
            yield fold
        folds.append(None)

    def keys(*features):
        return {picture.tobytes() for each in features for picture in each.pooled}

    def recorded_part(part, normals, anomalies, weights):
        given.append((folds[-1], keys(normals, *anomalies)))
        return fit_part(part, normals, anomalies, weights)

    def recorded_namer(normals, anomalies):
        given.append((folds[-1], keys(normals, *anomalies)))
        return fit_namer(normals, anomalies)

    monkeypatch.setattr(leftout, "plan", planned)
    for module in (leftout, parts):
        monkeypatch.setattr(module, "fit_part", recorded_part)
    monkeypatch.setattr(leftout, "fit_namer", recorded_namer)

    model = frozen(pictures_of_two_types)

    normal, *types = (
        [picture.tobytes() for picture in model.features(own).pooled]
        for own in (pictures_of_two_types.normal, *pictures_of_two_types.anomalies.values())
    )
    fits = [(fold, seen) for fold, seen in given if fold]
    assert len(fits) > len(PARTS_WITH_EVIDENCE) * leftout.fits_in((6, 5))
    for fold, seen in fits:
        left = {normal[row] for row in fold.normals}
        for number, own in enumerate(types):
            left |= set(own) if number == fold.whole_type else {own[row] for row in fold.anomalies[number]}
        assert seen
        assert seen <= {*normal, *types[0], *types[1]} - left


class TestFittedModel:
    def test_types_carry_their_settings(self, model):
        (scratch,) = model.anomaly_types

        assert (scratch.name, scratch.critical, scratch.pictures) == ("scratch", True, 5)

    def test_patches_of_the_normals_are_standardised(self, model):
        patches = model.features(small_training_set().normal).patches

        np.testing.assert_allclose(patches.mean(axis=(0, 1, 2)), 0, atol=1e-2)
        assert np.median(patches.std(axis=(0, 1, 2))) == pytest.approx(1, abs=1e-2)

    def test_is_calibrated_on_normals_that_it_has_not_seen(self, of_two_types, pictures_of_two_types):
        held_out = of_two_types.score(pictures_of_two_types.held_out)

        assert of_two_types.calibration.normals == len(held_out) == 30
        assert of_two_types.calibration.threshold == pytest.approx(held_out.max(), rel=2e-3)

    def test_names_the_type_of_new_defects(self, of_two_types):
        names = ["scratch", "spot", UNKNOWN]
        for name, defects in {"scratch": scratched_parts(20, seed=7), "spot": spotted_parts(20, seed=7)}.items():
            pooled = of_two_types.features(defects).pooled
            likely = of_two_types.namer.probabilities(of_two_types.namer.similarities(pooled))
            assert np.mean([names[best] == name for best in likely.argmax(axis=1)]) > 0.7

    def test_its_confidence_is_calibrated(self, of_two_types):
        """On left-out pictures: it is not what a namer begins with."""
        assert (of_two_types.namer.temperature, of_two_types.namer.unknown) != (0.1, 0.2)


class TestCritical:
    """Scratches so faint that they hide among the normals."""

    @pytest.fixture(scope="class")
    @classmethod
    def faint(cls):
        faint = (0.95 * good_parts(8, seed=8) + 0.05 * scratched_parts(8, seed=8)).astype(np.uint8)
        return TrainingSet(good_parts(40), good_parts(99, seed=1), {"faint": faint}, {})

    def calibration(self, faint, *, critical, most=0.3):
        data = DataSettings(root="unused", anomalies={"faint": AnomalyTypeSettings(critical=critical)})
        return frozen(faint, data=data, critical_false_reject_rate=most).calibration

    def test_a_critical_type_lowers_the_threshold_no_further_than_may_be_rejected(self, faint):
        other, critical = (self.calibration(faint, critical=each) for each in (False, True))

        assert critical.threshold < other.threshold
        assert other.observed_false_rejects < critical.observed_false_rejects <= 30
        assert (other.critical, critical.critical) == ({}, {"faint": 8})

    def test_what_passes_all_the_same_is_counted_and_told(self, faint, caplog):
        critical = self.calibration(faint, critical=True, most=0.02)

        assert critical.observed_false_rejects <= 2
        assert 0 < critical.critical_missed <= 8
        assert f"{critical.critical_missed} of 8 left-out pictures of critical types would pass" in caplog.text


class TestPromise:
    CONFIG = small_config(network=frozen_network(), max_false_reject=0.1)

    def data(self, **changes):
        return TrainingSet(good_parts(30), good_parts(60, seed=1), {}, {}, **changes)

    def test_the_threshold_is_that_of_the_promise(self):
        data = self.data()

        model = fit_model(self.CONFIG, data, run_dir=None)

        promise, scores = model.calibration.promise, np.sort(model.score(data.held_out))
        assert promise.rank == Terms(0.1).rank(60) == 2
        assert scores[-2] < model.calibration.threshold <= scores[-2] + 2e-3 * max(scores[-2], scores.std())
        assert (promise.max_false_reject, promise.scores, promise.group_pattern) == (0.1, 60, None)

    def test_groups_count_once(self):
        model = fit_model(self.CONFIG, self.data(held_out_groups=[i // 2 for i in range(60)]), run_dir=None)

        assert (model.calibration.normals, model.calibration.promise.scores) == (60, 30)

    def test_too_few_are_refused_before_training(self):
        with pytest.raises(TooFewNormalsError, match=r"29 held-out groups .* there are 20 \(of 60 pictures\)"):
            fit_model(self.CONFIG, self.data(held_out_groups=[i // 3 for i in range(60)]), run_dir=None)
