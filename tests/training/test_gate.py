import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from inspector.fusion import Fusion, Part, PartRecord, PartSettings
from inspector.scorers import DiscriminantSettings, KnownPatchesSettings, MahalanobisSettings, PatchesSettings
from training.features import Seen, silent
from training.gate import FEWEST, GAINS, decide, place, shipped_scores, too_few
from training.leftout import FOLDS, MADE_UP, Left, LeftOut, Material, Trial, leave_out
from training.network import UnitLength
from training.parts import Distances

NORMALS = 40
WIDTH = 6
EVIDENCE = [False, True]
"""Of made-up scores: a distance from normal, and evidence for known anomalies."""


def directions(n, rng):
    rows = rng.normal(size=(n, WIDTH)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def left(scores, kind, rng):
    return Left(scores, directions(len(scores), rng), np.full(len(scores), kind), np.zeros((len(scores), 1)))


def left_out(normals, known, unknown=(), seed=0, kind=1):
    """Of (n, parts) scores: the known ones and those of an unknown ``kind`` are dealt out to the folds in turn."""
    rng = np.random.default_rng(seed)
    normals, known, unknown = (
        np.asarray(each, np.float32).reshape(len(each), normals.shape[1]) for each in (normals, known, unknown)
    )
    trials = tuple(
        Trial(
            np.arange(number, len(normals), FOLDS),
            normals[number::FOLDS],
            left(known[number::FOLDS], 0, rng),
            left(unknown[number::FOLDS], kind, rng),
        )
        for number in range(FOLDS)
    )
    return LeftOut(trials, normals, directions(len(normals), rng), (0.0,) * normals.shape[1], (0.0, 1.0))


def scores(n, distance, evidence, seed):
    """(n, 2) scattered by 1 about these means."""
    return np.random.default_rng(seed).normal([distance, evidence], 1, (n, 2))


def with_and_without(known, unknown=()):
    """The challenger and the champion: the latter has the distance alone."""
    normals = scores(NORMALS, 0, 0, seed=0)
    distances = (np.asarray(each)[:, :1] if len(each) else () for each in (known, unknown))
    return left_out(normals, known, unknown), left_out(normals[:, :1], *distances)


def verdict(known, unknown=()):
    challenger, champion = with_and_without(known, unknown)
    return decide(challenger, EVIDENCE, champion)


class TestPlace:
    def test_known_ones_are_placed_among_all_normals_and_unknown_ones_among_those_of_their_own_fit(self):
        """The slow way: each normal is scored by the references without itself, and all pairs are compared."""
        challenger, _ = with_and_without(scores(12, 1, 2, seed=1), scores(9, 1, 0, seed=2))

        placed = place(challenger, EVIDENCE, 1.0)

        def share_below(anomalies, normals):
            return [np.mean([(n < a) + (n == a) / 2 for n in normals]) for a in anomalies]

        own = [
            [
                fusion(challenger, 1.0, without=row).fuse(said[None], challenger.pooled[[row]])[0]
                for row, said in zip(trial.rows, trial.normals, strict=True)
            ]
            for trial in challenger.trials
        ]
        everywhere, shipped = np.concatenate(own), fusion(challenger, 1.0)
        known, unknown = [], []
        for trial, normals in zip(challenger.trials, own, strict=True):
            known += share_below(shipped.fuse(trial.known.scores, trial.known.pooled), everywhere)
            unknown += share_below(shipped.fuse(trial.unknown.scores, trial.unknown.pooled), normals)
        np.testing.assert_allclose(placed.known, known)
        np.testing.assert_allclose(placed.unknown, unknown)

    def test_the_mean_placement_is_the_auroc(self):
        normals, known = scores(NORMALS, 0, 0, seed=0)[:, :1], scores(12, 1, 0, seed=1)[:, :1]
        challenger = left_out(normals, known)

        placed = place(challenger, [False], 0.0)

        truth = [1] * 12 + [0] * NORMALS
        of_normals = [
            fusion(challenger, 0.0, without=row).fuse(normals[[row]], challenger.pooled[[row]])[0]
            for row in range(NORMALS)
        ]
        said = [*shipped_scores(challenger, [False], 0.0)[0], *of_normals]
        assert placed.known.mean() == pytest.approx(roc_auc_score(truth, said), abs=1e-6)

    def test_a_tie_counts_half(self):
        placed = place(left_out(np.ones((NORMALS, 1)), [[1.0], [2.0], [0.0]]), [False], 0.0)

        assert sorted(placed.known.tolist()) == [0.0, 0.5, 1.0]

    def test_without_gain_the_evidence_says_nothing(self):
        challenger, champion = with_and_without(scores(8, 1, 5, seed=1), scores(8, 1, 5, seed=2))

        without, base = place(challenger, EVIDENCE, 0.0), place(champion, [False], 0.0)

        for name in ("known", "unknown"):
            np.testing.assert_allclose(getattr(without, name), getattr(base, name))


def fusion(left_out, gain, without=None):
    """What would ship, with these references; ``without`` the row of one of them."""
    kept = np.arange(len(left_out.references)) != (-1 if without is None else without)
    parts = [
        Part(PartRecord(kind=kind, of="pooled"), None, left_out.references[kept, column], left_out.floors[column])
        for column, kind in zip(range(len(left_out.floors)), ("euclidean", "discriminant"), strict=False)
    ]
    return Fusion(tuple(parts), left_out.pooled[kept], gain)


@pytest.mark.parametrize("gain", [0.0, *GAINS])
def test_what_is_judged_is_what_ships(gain):
    challenger, _ = with_and_without(scores(9, 1, 2, seed=1))

    said, types = shipped_scores(challenger, EVIDENCE, gain)

    expected = [fusion(challenger, gain).fuse(each.known.scores, each.known.pooled) for each in challenger.trials]
    np.testing.assert_allclose(said, np.concatenate(expected), rtol=1e-5)
    assert types.tolist() == [0] * 9


class TestDecide:
    def test_a_clear_gain_ships_and_says_by_how_much(self):
        gate = verdict(scores(12, 0.5, 6, seed=1), scores(12, 3, 0, seed=2))

        assert gate.ships == "with anomalies"
        assert gate.gain in GAINS
        assert gate.pictures == 12
        before, after = gate.known
        assert before < 0.8
        assert after > 0.95
        assert gate.known_gain[0] > 2 * gate.known_gain[1] > 0
        assert gate.reason

    def test_types_that_were_not_known_must_not_lose(self):
        """Evidence that speaks for many normals hides what only the distance sees."""
        normals, known, unknown = (
            scores(n, *means, seed) for seed, (n, *means) in enumerate([(NORMALS, 0, 0), (12, 0.5, 40), (80, 1.5, 0)])
        )
        normals[::5, 1] += 20

        gate = decide(
            left_out(normals, known, unknown), EVIDENCE, left_out(normals[:, :1], known[:, :1], unknown[:, :1])
        )

        assert (gate.ships, gate.gain) == ("normals only", 0.0)
        assert gate.known_gain[0] > 0
        before, after = gate.unknown
        assert after < before - 0.03
        assert gate.unknown_gain[0] == pytest.approx(after - before)
        assert "not known" in gate.reason

    def test_evidence_that_says_nothing_of_them_does_not_ship(self):
        gate = verdict(scores(12, 1, 0, seed=1), scores(12, 1, 0, seed=2))

        assert (gate.ships, gate.gain) == ("normals only", 0.0)
        assert gate.known_gain[0] <= 0

    def test_without_any_unknown_ones_the_known_ones_decide(self):
        gate = verdict(scores(12, 0.5, 6, seed=1))

        assert gate.ships == "with anomalies"
        assert (gate.unknown, gate.unknown_gain) == (None, None)

    def test_made_up_defects_do_not_decide(self):
        normals, known, made_up = scores(NORMALS, 0, 0, 0), scores(12, 0.5, 40, 1), scores(80, 1.5, 0, 2)
        normals[::5, 1] += 20

        gate = decide(
            left_out(normals, known, made_up, kind=MADE_UP),
            EVIDENCE,
            left_out(normals[:, :1], known[:, :1], made_up[:, :1], kind=MADE_UP),
        )

        assert gate.ships == "with anomalies"
        assert (gate.unknown, gate.unknown_gain) == (None, None)

    def test_the_same_scores_give_the_same_decision(self):
        known, unknown = scores(12, 0.5, 2, seed=1), scores(12, 1, 0, seed=2)

        assert verdict(known, unknown) == verdict(known, unknown)


@pytest.mark.parametrize("pictures", [0, 1, FEWEST - 1])
def test_too_few_pictures_are_said(pictures):
    gate = too_few(pictures)

    assert (gate.ships, gate.gain, gate.pictures) == ("normals only", 0.0, pictures)
    assert f"{pictures} anomaly picture(s)" in gate.reason
    assert f"give {FEWEST} or more" in gate.reason


def test_enough_pictures_are_for_the_folds_to_decide_on():
    assert too_few(FEWEST) is None


PARTS = (
    PartSettings(of="pooled", distance=MahalanobisSettings()),
    PartSettings(distance=PatchesSettings(bank_size=300)),
    PartSettings(of="pooled", distance=DiscriminantSettings()),
    PartSettings(distance=KnownPatchesSettings()),
)


def pictures(n, rng, shift=0.0):
    """Random features; ``shift`` moves them all one way."""
    pooled, patches = rng.normal(size=(n, 16)), rng.normal(size=(n, 3, 3, 6))
    pooled[:, 0] += shift
    patches[:, 1, 1, 0] += 2 * shift
    return Seen(pooled.astype(np.float32), patches.astype(np.float32))


def judged(seed, shift, sizes):
    """The decision on real fits of random features."""
    rng = np.random.default_rng(seed)
    anomalies = [pictures(size, rng, shift) for size in sizes]
    made_up = pictures(20, rng, -1.0)
    material = Material(
        pictures(60, rng), anomalies, [1.0] * len(sizes), made_up, np.arange(20), lambda _: UnitLength()
    )
    distances, evidence = Distances(), [part.is_evidence for part in PARTS]
    champion, challenger = (leave_out(parts, material, distances, silent) for parts in (PARTS[:2], PARTS))
    return decide(challenger, evidence, champion)


@pytest.mark.parametrize("sizes", [(10,), (5, 5), (4, 3, 3)])
def test_noise_does_not_ship(sizes):
    """Anomalies that look like normals to the backbone: now and then chance is taken for a gain."""
    gates = [judged(seed, 0.0, sizes) for seed in range(10)]

    assert sum(gate.ships == "with anomalies" for gate in gates) <= 2


def test_what_the_backbone_sees_ships():
    gates = [judged(seed, 2.0, (10,)) for seed in range(5)]

    assert [gate.ships for gate in gates] == ["with anomalies"] * 5
    assert all(gate.known[1] > gate.known[0] for gate in gates)
