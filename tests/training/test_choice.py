from contextlib import contextmanager

import numpy as np
import pytest

from inspector.bundle import GateRecord
from inspector.errors import DataError
from inspector.fusion import PartSettings, viewed
from inspector.scorers import DiscriminantSettings, EuclideanSettings, KnownSettings, MahalanobisSettings
from training import choice
from training.choice import UNJUDGED, Chosen, choose
from training.gate import FEWEST, shipped_scores
from training.leftout import FOLDS, Material, fits_in
from training.network import UnitLength
from training.parts import NOTHING_LEFT_OUT, Distances, fit_part, none_of
from training.seen import untracked

POOLED = PartSettings(of="pooled", distance=MahalanobisSettings())
LEARNED = PartSettings(distance=EuclideanSettings())
DISCRIMINANT = PartSettings(of="pooled", distance=DiscriminantSettings())
KNOWN = PartSettings(distance=KnownSettings())
SHIPS = GateRecord(ships="with anomalies", reason="made up", gain=0.5)
STAYS = GateRecord(ships="normals only", reason="made up", gain=0.0)


class Heads:
    """Remembers which heads are asked for; all of them only divide by the length."""

    def __init__(self, *, normals_teach=True, fixed=False):
        self.normals_teach, self.fixed = normals_teach, fixed
        self.of_everything, self.of_normals = [], []

    def without(self, fold):
        self.of_everything.append(fold)
        return UnitLength()

    def of_normals_without(self, fold):
        self.of_normals.append(fold)
        return UnitLength()


class Config:
    def __init__(self, *scorers):
        self.scorers = scorers


@pytest.fixture
def material(seen_set):
    def of(heads, sizes=(6, 5)):
        _, seen = seen_set
        anomalies = [own.take(np.arange(size)) for own, size in zip(seen.anomalies.values(), sizes, strict=False)]
        return Material(seen.normal, anomalies, [1.0] * len(anomalies), seen.made_up, seen.made_on, heads.without)

    return of


@pytest.fixture
def decided(monkeypatch):
    """Sets the gate's answer, and shows what it was asked."""
    asked = []

    def answer(record):
        monkeypatch.setattr(choice, "decide", lambda *question: asked.append(question) or record)
        return asked

    return answer


def chosen(material, *parts, heads=None, sizes=(6, 5), track=untracked):
    heads = heads or Heads()
    return choose(Config(*parts), material(heads, sizes), heads, Distances(), track)


def test_what_the_gate_lets_through_ships_at_its_gain(material, decided):
    decided(SHIPS)

    own = chosen(material, POOLED, DISCRIMINANT, LEARNED, KNOWN)

    assert list(own.parts) == [POOLED, LEARNED, DISCRIMINANT, KNOWN]
    assert (own.gain, own.gate) == (0.5, SHIPS)
    assert own.left_out.references.shape == (40, 4)


def test_what_it_does_not_leaves_the_normals_only_and_its_reason(material, decided):
    decided(STAYS)

    own = chosen(material, POOLED, DISCRIMINANT, LEARNED, KNOWN)

    assert list(own.parts) == [POOLED, LEARNED]
    assert (own.gain, own.gate) == (0.0, STAYS)
    assert own.left_out.references.shape == (40, 2)


def test_the_gate_compares_both_on_the_same_left_out_pictures(material, decided):
    asked = decided(STAYS)
    heads = Heads()

    chosen(material, POOLED, DISCRIMINANT, heads=heads)

    ((challenger, evidence, champion),) = asked
    assert evidence == [False, True]
    assert (challenger.references.shape[1], champion.references.shape[1]) == (2, 1)
    for one, other in zip(challenger.trials, champion.trials, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.known.types, other.known.types)
    # Each with heads of its own: the champion's know no anomaly.
    assert len(heads.of_normals) == len(heads.of_everything) == fits_in((6, 5))


@pytest.mark.parametrize(("sizes", "number"), [((1,), 1), ((1, 1), 2), ((FEWEST - 1,), FEWEST - 1)])
def test_too_few_pictures_are_no_matter_for_the_gate(material, decided, sizes, number):
    asked, heads = decided(SHIPS), Heads()

    own = chosen(material, POOLED, DISCRIMINANT, heads=heads, sizes=sizes)

    assert (list(own.parts), own.gain) == ([POOLED], 0.0)
    assert own.gate.ships == "normals only"
    assert f"{number} anomaly picture(s)" in own.gate.reason
    assert asked == heads.of_everything == []


def test_without_anomalies_there_is_nothing_to_decide(material, decided):
    asked = decided(SHIPS)

    own = chosen(material, POOLED, DISCRIMINANT, sizes=())

    assert (list(own.parts), own.gain, own.gate) == ([POOLED], 0.0, None)
    assert asked == []


def test_a_network_that_was_trained_on_the_anomalies_as_a_whole_is_not_compared(material, decided):
    asked = decided(STAYS)

    own = chosen(material, POOLED, DISCRIMINANT, heads=Heads(fixed=True))

    assert own.gate is UNJUDGED
    assert (list(own.parts), own.gain) == ([POOLED, DISCRIMINANT], 1.0)
    assert asked == []


def test_distances_of_an_embedding_that_normals_cannot_teach_are_left_out(material, decided):
    decided(SHIPS)
    heads = Heads(normals_teach=False)

    assert list(chosen(material, POOLED, LEARNED, KNOWN, heads=heads).parts) == [POOLED, KNOWN]
    # But where there is no other it must do.
    assert list(chosen(material, LEARNED, KNOWN, heads=heads).parts) == [LEARNED, KNOWN]


def test_evidence_alone_is_refused(material):
    with pytest.raises(DataError, match="there is no distance from normal"):
        chosen(material, DISCRIMINANT, KNOWN)


def test_progress_is_told_of_each_fit(material, decided):
    decided(SHIPS)
    done = {}

    @contextmanager
    def track(what, total):
        done[what] = [total]
        yield done[what].append

    chosen(material, POOLED, DISCRIMINANT, track=track)

    assert list(done.values()) == [[FOLDS + 2, *[1] * (FOLDS + 2)]] * 2


class TestChosen:
    @pytest.fixture
    def shipped(self, material, decided):
        decided(SHIPS)
        return chosen(material, POOLED, DISCRIMINANT)

    def test_the_parts_are_fitted_on_everything(self, shipped, seen_set):
        _, seen = seen_set
        normals = seen.normal.through(UnitLength())
        types = [own.through(UnitLength()) for own in seen.anomalies.values()]

        fusion = shipped.fusion(normals, types, [1.0, 2.0], Distances())

        assert [part.record.kind for part in fusion.parts] == ["mahalanobis", "discriminant"]
        assert fusion.gain == 0.5
        held_out = viewed(seen.held_out.through(UnitLength()), "pooled")
        for part, settings in zip(fusion.parts, (POOLED, DISCRIMINANT), strict=True):
            expected = fit_part(settings, normals, types, [1.0, 2.0])
            np.testing.assert_allclose(part.scorer.score(held_out), expected.score(held_out), rtol=1e-5)
        for column, part in enumerate(fusion.parts):
            np.testing.assert_array_equal(part.references, shipped.left_out.references[:, column])
            assert part.floor == shipped.left_out.floors[column]
        np.testing.assert_array_equal(fusion.references, normals.pooled)

    def test_a_distance_that_was_fitted_already_is_used_again(self, shipped, seen_set):
        normals, distances = seen_set[1].normal.through(UnitLength()), Distances()
        before, _ = distances.fitted(POOLED, NOTHING_LEFT_OUT, normals, none_of(normals))

        assert shipped.fusion(normals, [normals], [1.0], distances).parts[0].scorer is before

    def test_left_out_scores_are_told_apart_by_type(self, shipped):
        by_type = shipped.left_out_scores(["scratch", "spot"])

        scores, types = shipped_scores(shipped.left_out, [False, True], 0.5)
        assert list(by_type) == ["scratch", "spot"]
        np.testing.assert_array_equal(by_type["spot"], scores[types == 1])
        np.testing.assert_array_equal(by_type["scratch"], scores[types == 0])
        assert len(by_type["spot"]) == 5

    def test_without_anomalies_there_are_no_scores_of_them(self, material):
        own = chosen(material, POOLED, sizes=())

        assert own.left_out_scores([]) == {}
        assert own.left_out_scores(["spot"])["spot"].shape == (0,)
        assert isinstance(own, Chosen)
