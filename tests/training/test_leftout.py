from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inspector.fusion import PartSettings, viewed
from inspector.inspection import Features
from inspector.scorers import (
    DiscriminantSettings,
    EuclideanSettings,
    KnnSettings,
    KnownPatchesSettings,
    KnownSettings,
    PatchesSettings,
)
from training import leftout, parts
from training.features import Seen, silent
from training.leftout import (
    FOLDS,
    MADE_UP,
    Material,
    fit_namer,
    fits_in,
    leave_out,
    plan,
)
from training.network import UnitLength
from training.parts import NOTHING_LEFT_OUT, Distances, fit_part, none_of

DISTANCES = (
    PartSettings(of="pooled", distance=KnnSettings(k=2)),
    PartSettings(distance=EuclideanSettings()),
    PartSettings(distance=PatchesSettings(bank_size=60)),
)
EVIDENCE = (
    PartSettings(of="pooled", distance=DiscriminantSettings()),
    PartSettings(distance=KnownPatchesSettings(novel_share=0.5)),
    PartSettings(distance=KnownSettings()),
)
NORMALS = 22
SIZES = (7, 1, 5)
"""Pictures of each anomaly type; one has a single one."""


def pictures(n, first, shift=0.0):
    """Seen pictures, each with a number of its own, from ``first``, that its patches carry."""
    rng = np.random.default_rng(first)
    pooled = rng.normal(size=(n, 5)).astype(np.float32)
    pooled[:, 0] += shift
    patches = rng.normal(size=(n, 2, 2, 3)).astype(np.float32)
    patches[..., 1] += shift
    patches[..., 0] = np.arange(first, first + n)[:, None, None]
    return Seen(pooled, patches)


def numbers(features):
    return features.patches[:, 0, 0, 0].astype(int).tolist()


def material(sizes=SIZES, head=None):
    """Normals have the numbers from 0, the types those from 100, 200 …, made-up defects those from 900."""
    anomalies = [pictures(size, 100 * kind, 3.0 * kind) for kind, size in enumerate(sizes, start=1)]
    made_on = np.array([3, 8, 21])
    return Material(
        pictures(NORMALS, 0),
        anomalies,
        [1.0 + kind for kind in range(len(sizes))],
        pictures(3, 900, 2.0),
        made_on,
        head or (lambda _: UnitLength()),
    )


def left_numbers(fold, sizes=SIZES):
    """The numbers of what a fold leaves out, a type as a whole among it."""
    of_types = {
        100 * kind + row
        for kind, rows in enumerate(fold.anomalies, start=1)
        for row in (range(sizes[kind - 1]) if fold.whole_type == kind - 1 else rows.tolist())
    }
    return {*fold.normals.tolist(), *of_types}


def folds(sizes=SIZES, normals=NORMALS):
    return list(plan(normals, sizes))


class TestPlan:
    @given(st.integers(12, 60), st.lists(st.integers(1, 9), max_size=5))
    def test_every_picture_is_left_out_exactly_once_beside_its_whole_type(self, normals, sizes):
        own = [fold for fold in folds(sizes, normals) if fold.whole_type is None]

        left = [np.concatenate([fold.anomalies[kind] for fold in own]) for kind in range(len(sizes))]
        assert sorted(np.concatenate([fold.normals for fold in own]).tolist()) == list(range(normals))
        assert [sorted(rows.tolist()) for rows in left] == [list(range(size)) for size in sizes]

    @given(st.integers(12, 60), st.lists(st.integers(1, 9), max_size=5))
    def test_every_fit_leaves_out_a_fourth_of_the_normals(self, normals, sizes):
        assert {len(fold.normals) for fold in folds(sizes, normals)} <= {normals // FOLDS, -(-normals // FOLDS)}

    @pytest.mark.parametrize(("sizes", "wholes"), [((), []), ((6,), []), ((1, 1), [0, 1]), ((3, 2, 4), [0, 1, 2])])
    def test_each_of_several_types_is_left_out_as_a_whole(self, sizes, wholes):
        last = folds(sizes)[FOLDS:]

        assert [fold.whole_type for fold in last] == wholes
        assert not any(len(rows) for fold in last for rows in fold.anomalies)
        assert fits_in(sizes) == len(folds(sizes)) == FOLDS + len(wholes)

    def test_ten_types_of_one_picture_do_not_all_fall_into_one_fold(self):
        left = [sum(map(len, fold.anomalies)) for fold in folds((1,) * 10)[:FOLDS]]

        assert sorted(left) == [2, 2, 3, 3]

    def test_fits_of_one_number_leave_out_the_same_normals(self):
        by_number = {}
        for fold in folds((2,) * 6):
            np.testing.assert_array_equal(by_number.setdefault(fold.number, fold.normals), fold.normals)
        assert len(by_number) == FOLDS

    def test_is_the_same_each_time_and_for_any_anomalies(self):
        for fold, again, without in zip(folds()[:FOLDS], folds()[:FOLDS], folds(()), strict=True):
            np.testing.assert_array_equal(fold.normals, again.normals)
            np.testing.assert_array_equal(fold.normals, without.normals)


@pytest.fixture
def fitted(monkeypatch):
    """By fold, in the order of the plan: the numbers of the pictures that each fit was given."""
    given = []

    def recording(function, own):
        def call(normals, anomalies, *rest):
            given[-1][1].append([*numbers(normals), *(each for kind in anomalies for each in numbers(kind))])
            return function(*own, normals, anomalies, *rest)

        return call

    for module in (leftout, parts):
        monkeypatch.setattr(module, "fit_part", lambda settings, *rest: recording(fit_part, (settings,))(*rest))
    monkeypatch.setattr(leftout, "fit_namer", recording(fit_namer, ()))

    def head(fold):
        given.append((fold, []))
        return UnitLength()

    return head, given


class TestLeaveOut:
    @pytest.mark.parametrize("sizes", [(), (6,), (1,), SIZES])
    def test_no_fit_is_given_a_picture_that_it_leaves_out(self, fitted, sizes):
        head, given = fitted

        leave_out([*DISTANCES, *(EVIDENCE if sizes else ())], material(sizes, head), Distances(), silent)

        everything = {*range(NORMALS), *(100 * kind + row for kind, n in enumerate(sizes, 1) for row in range(n))}
        assert [fold.whole_type for fold, _ in given] == [fold.whole_type for fold in folds(sizes)]
        for fold, fits in given:
            assert fits, "nothing was fitted"
            for own in fits:
                assert len(own) == len(set(own))
                assert not left_numbers(fold, sizes) & set(own)
            # And all the rest is used: the namer, which is fitted last, is given everything that is there.
            assert set(fits[-1]) == everything - left_numbers(fold, sizes)

    def test_progress_is_told_of_each_fit(self):
        done = []

        leave_out(DISTANCES, material(), Distances(), done.append)

        assert done == [1] * fits_in(SIZES)

    def test_references_are_what_the_fit_without_each_normal_says_of_it(self):
        """The slow way."""
        everything = material()

        left_out = leave_out(DISTANCES, everything, Distances(), silent)

        seen = everything.normals.through(UnitLength())
        assert left_out.references.shape == (NORMALS, len(DISTANCES))
        for fold in folds()[:FOLDS]:
            rest = np.setdiff1d(np.arange(NORMALS), fold.normals)
            for column, part in enumerate(DISTANCES):
                scorer = fit_part(part, everything.normals.take(rest).through(UnitLength()), (), ())
                expected = scorer.score(viewed(seen, part.of))[fold.normals]
                np.testing.assert_allclose(left_out.references[fold.normals, column], expected, rtol=1e-4)
        np.testing.assert_array_equal(left_out.pooled, seen.pooled)

    def test_evidence_is_what_the_fit_without_the_pictures_says_of_them(self):
        everything = material()

        trial = leave_out(EVIDENCE, everything, Distances(), silent).trials[1]

        fold = folds()[1]
        rest = [
            own.take(np.setdiff1d(np.arange(len(own)), rows)).through(UnitLength())
            for own, rows in zip(everything.anomalies, fold.anomalies, strict=True)
        ]
        weights = [weight for weight, own in zip(everything.weights, rest, strict=True) if len(own)]
        normals = everything.normals.take(np.setdiff1d(np.arange(NORMALS), fold.normals)).through(UnitLength())
        scorers = [fit_part(part, normals, [own for own in rest if len(own)], weights) for part in EVIDENCE]
        left = [everything.anomalies[kind].take(rows).through(UnitLength()) for kind, rows in enumerate(fold.anomalies)]
        for column, (part, scorer) in enumerate(zip(EVIDENCE, scorers, strict=True)):
            expected = np.concatenate([scorer.score(viewed(own, part.of)) for own in left])
            np.testing.assert_allclose(trial.known.scores[:, column], expected, rtol=1e-4, atol=1e-5)

    def test_known_are_all_pictures_once_and_unknown_those_of_each_whole_type(self):
        trials = leave_out([*DISTANCES, *EVIDENCE], material(), Distances(), silent).trials

        assert Counter(np.concatenate([trial.known.types for trial in trials]).tolist()) == {0: 7, 1: 1, 2: 5}
        assert [trial.unknown.types.tolist() for trial in trials[FOLDS:]] == [[0] * 7, [1], [2] * 5]
        assert not any(len(trial.known.types) for trial in trials[FOLDS:])
        for trial in trials:
            for left in (trial.known, trial.unknown):
                assert left.scores.shape == (len(left.types), 6)
                assert left.pooled.shape == (len(left.types), 5)
                assert left.similarities.shape == (len(left.types), 3)

    def test_made_up_defects_stand_on_normals_that_the_fit_did_not_see(self):
        everything = material((6,))

        trials = leave_out(DISTANCES, everything, Distances(), silent).trials

        by_fold = [everything.made_on[np.isin(everything.made_on, trial.rows)] for trial in trials]
        assert sorted(np.concatenate(by_fold).tolist()) == everything.made_on.tolist()
        for trial, rows in zip(trials, by_fold, strict=True):
            assert trial.unknown.types.tolist() == [MADE_UP] * len(rows)
            made = everything.made_up.take(np.flatnonzero(np.isin(everything.made_on, rows)))
            np.testing.assert_array_equal(trial.unknown.pooled, made.through(UnitLength()).pooled)

    def test_a_type_that_the_fit_did_not_know_has_no_similarity(self):
        trials = leave_out(DISTANCES, material(), Distances(), silent).trials

        for kind, trial in enumerate(trials[FOLDS:]):
            known = np.isfinite(trial.unknown.similarities)
            assert known.any(axis=0).tolist() == [other != kind for other in range(3)]
        for trial in trials[:FOLDS]:
            # The type of a single picture is not known to the fit that leaves it out.
            alone = trial.known.types == 1
            assert not np.isfinite(trial.known.similarities[alone, 1]).any()
            assert np.isfinite(trial.known.similarities[:, [0, 2]]).all()

    def test_evidence_without_anomalies_to_be_fitted_on_says_nothing(self):
        trials = leave_out([*DISTANCES, *EVIDENCE], material((1,)), Distances(), silent).trials

        (alone,) = (trial for trial in trials if len(trial.known.types))
        assert alone.known.scores[0, :3].all()
        assert not alone.known.scores[0, 3:].any()
        assert not alone.normals[:, 3:].any()

    def test_the_head_of_each_fold_makes_the_embedding_that_it_is_measured_in(self):
        class Times(nn.Module):
            def __init__(self, factor):
                super().__init__()
                self.factor = factor

            def forward(self, pooled):
                return pooled * self.factor

        euclidean = DISTANCES[1:2]
        plain = leave_out(euclidean, material(head=lambda _: Times(1.0)), Distances(), silent)

        by_fold = leave_out(euclidean, material(head=lambda fold: Times(2.0 + fold.number)), Distances(), silent)

        for number, (trial, other) in enumerate(zip(plain.trials[:FOLDS], by_fold.trials[:FOLDS], strict=True)):
            np.testing.assert_allclose(other.known.scores, (2 + number) * trial.known.scores, rtol=1e-4)
            np.testing.assert_allclose(other.normals, (2 + number) * trial.normals, rtol=1e-4)

    def test_the_floor_follows_what_rounding_moves(self):
        """A distance among normals that lie near together is mostly rounding."""
        far = material()
        near = replace(far, normals=replace(far.normals, pooled=10 + 1e-5 * far.normals.pooled))

        floors = [leave_out(DISTANCES[:1], each, Distances(), silent) for each in (far, near)]

        assert floors[0].floors[0] < 0.2 * floors[0].references.std()
        assert floors[1].floors[0] > floors[1].references.std()


class TestDistances:
    def test_a_distance_that_no_head_changes_is_fitted_once_for_all_that_leave_out_the_same_normals(self, fitted):
        head, given = fitted
        everything, distances = material(head=head), Distances()

        first = leave_out(DISTANCES, everything, distances, silent)
        again = leave_out(DISTANCES, everything, distances, silent)

        # Of the embedding and the namer in each; the two others in the first of each number alone.
        fits = [len(own) for _, own in given]
        assert fits == [4] * FOLDS + [2] * len(SIZES) + [2] * fits_in(SIZES)
        np.testing.assert_array_equal(first.references, again.references)
        for one, other in zip(first.trials, again.trials, strict=True):
            np.testing.assert_array_equal(one.unknown.scores, other.unknown.scores)

    def test_other_anomalies_and_another_head_change_nothing_of_it(self):
        shared, columns = Distances(), [0, 2]
        leave_out(DISTANCES, material((4,), lambda _: nn.Identity()), shared, silent)

        sharing, alone = (leave_out(DISTANCES, material(), own, silent) for own in (shared, Distances()))

        np.testing.assert_array_equal(sharing.references, alone.references)
        for one, other in zip(sharing.trials, alone.trials, strict=True):
            np.testing.assert_array_equal(one.known.scores[:, columns], other.known.scores[:, columns])
            np.testing.assert_array_equal(one.unknown.scores, other.unknown.scores)

    def test_the_fit_of_all_normals_is_kept_apart(self):
        everything, distances = material(), Distances()
        leave_out(DISTANCES, everything, distances, silent)
        normals = everything.normals.through(UnitLength())

        bank, said = distances.fitted(DISTANCES[2], NOTHING_LEFT_OUT, normals, none_of(normals))

        assert sorted({int(each) for each in bank.bank.patches[:, 0]}) == list(range(NORMALS))
        assert len(said) == 0

    def test_heat_is_the_scale_of_places_of_left_out_normals(self):
        everything, distances = material(), Distances()

        left_out = leave_out(DISTANCES, everything, distances, silent)

        places = []
        for fold in folds()[:FOLDS]:
            rest = everything.normals.take(np.setdiff1d(np.arange(NORMALS), fold.normals)).through(UnitLength())
            left = everything.normals.take(fold.normals).through(UnitLength())
            places.append(fit_part(DISTANCES[2], rest, (), ()).map(left).ravel())
        assert left_out.heat == pytest.approx((np.concatenate(places).mean(), np.concatenate(places).std()), rel=1e-4)

    def test_without_a_memory_bank_the_heat_is_as_it_is(self):
        assert leave_out(DISTANCES[:2], material(), Distances(), silent).heat == (0.0, 1.0)


def test_the_features_of_no_picture_keep_their_shape():
    none = none_of(
        Features(np.ones((3, 2), np.float32), np.ones((3, 5), np.float32), np.ones((3, 1, 1, 4), np.float32))
    )
    without_patches = none_of(Features(np.ones((3, 2), np.float32), np.ones((3, 5), np.float32)))

    assert (none.embedding.shape, none.pooled.shape, none.patches.shape) == ((0, 2), (0, 5), (0, 1, 1, 4))
    assert without_patches.patches is None


def test_there_is_nothing_to_name_without_anomalies():
    assert fit_namer(pictures(5, 0).through(UnitLength()), []) is None
