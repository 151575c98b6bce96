from dataclasses import replace

import numpy as np
import pytest

from inspector.inspection import Features
from inspector.naming import TypeNamer
from training.confidence import calibrated
from training.leftout import MADE_UP, Left, LeftOut, Trial

TYPES = 3
UNKNOWN = TYPES


@pytest.fixture
def namer():
    rng = np.random.default_rng(0)
    features = [Features(rng.normal(size=(20, 4)).astype(np.float32)) for _ in range(1 + TYPES)]
    return TypeNamer.fit(features[0], features[1:])


def left(similarities, types):
    n = len(types)
    return Left(
        np.zeros((n, 1), np.float32), np.zeros((n, 4), np.float32), np.array(types, np.intp), np.array(similarities)
    )


NONE = left(np.zeros((0, TYPES)), [])


def left_out(*pairs):
    """From what was left out of each fit: known and unknown."""
    trials = tuple(Trial(np.arange(0), np.zeros((0, 1), np.float32), known, unknown) for known, unknown in pairs)
    return LeftOut(trials, np.zeros((0, 1), np.float32), np.zeros((0, 4), np.float32), (0.0,), (0.0, 1.0))


def drawn(namer, n=6000, seed=0):
    """Pictures whose truth is drawn with the very probabilities that the namer gives: (similarities, truth)."""
    rng = np.random.default_rng(seed)
    similarities = rng.uniform(-0.3, 0.7, (n, TYPES))
    chances = namer.probabilities(similarities).cumsum(axis=1)
    return similarities, (rng.random((n, 1)) > chances).sum(axis=1)


@pytest.mark.parametrize(("temperature", "unknown"), [(0.1, 0.3), (0.3, 0.5), (0.05, 0.1)])
def test_finds_the_confidence_that_the_pictures_were_drawn_with(namer, temperature, unknown):
    truly = namer.calibrated(temperature, unknown)
    similarities, truth = drawn(truly)
    known, strange = (np.flatnonzero(each) for each in (truth < UNKNOWN, truth == UNKNOWN))

    pair = left(similarities[known], truth[known]), left(similarities[strange], [MADE_UP] * len(strange))
    found = calibrated(namer, left_out(pair))

    # Both groups count alike: each strange picture stands for so many, as if unknown were so much likelier.
    shifted = unknown + temperature * np.log(len(known) / len(strange))
    assert found.temperature == pytest.approx(temperature, rel=0.15)
    assert found.unknown == pytest.approx(shifted, abs=0.03)
    for name in ("mean", "directions"):
        np.testing.assert_array_equal(getattr(found, name), getattr(namer, name))


def test_says_90_percent_where_9_of_10_are_right(namer):
    similarities = np.tile([0.6, 0.1, 0.1], (100, 1))
    types = [0] * 90 + [1] * 5 + [2] * 5
    strange = np.full((100, TYPES), -0.1)

    found = calibrated(namer, left_out((left(similarities, types), left(strange, [MADE_UP] * 100))))

    said = found.probabilities(similarities[:1])[0]
    assert said[0] == pytest.approx(0.9, abs=0.04)
    assert found.probabilities(strange[:1])[0].argmax() == UNKNOWN


def test_a_type_that_the_fit_did_not_know_should_be_called_unknown(namer):
    """Left out as a whole it has no similarity of its own, and looks a little like the others."""
    known = left(np.tile([0.7, 0.0, 0.0], (20, 1)), [0] * 20)
    unknown = left(np.tile([0.4, -np.inf, 0.0], (20, 1)), [1] * 20)

    found = calibrated(namer, left_out((known, NONE), (NONE, unknown)))

    assert 0.4 < found.unknown < 0.7
    assert found.probabilities(unknown.similarities)[0].argmax() == UNKNOWN
    assert found.probabilities(known.similarities)[0].argmax() == 0


def test_a_picture_whose_type_had_no_other_picture_should_be_called_unknown_too(namer):
    known = left([[0.7, 0.0, 0.0], [0.5, 0.0, -np.inf]], [0, 2])

    found = calibrated(namer, left_out((known, NONE)))

    assert 0.5 < found.unknown < 0.7


def test_a_few_clear_pictures_do_not_make_it_sure(namer):
    def confidence(n):
        clear = left(np.tile([0.5, 0.1, 0.1], (n, 1)), [0] * n)
        strange = left(np.full((n, TYPES), 0.1), [MADE_UP] * n)
        return calibrated(namer, left_out((clear, strange))).probabilities(clear.similarities[:1])[0, 0]

    assert 0.5 < confidence(1) < confidence(4) < confidence(100)
    assert confidence(1) < 0.9
    assert confidence(100) > 0.97


def test_without_a_namer_or_without_pictures_nothing_changes(namer):
    some = left([[0.5, 0.0, 0.0]], [0])

    assert calibrated(None, left_out((some, NONE))) is None
    assert calibrated(namer, left_out((NONE, NONE))) is namer


def test_the_order_of_the_pictures_changes_nothing(namer):
    similarities, truth = drawn(namer.calibrated(0.2, 0.3), 60)
    known, strange = left(similarities[:40], truth[:40] % TYPES), left(similarities[40:], [MADE_UP] * 20)

    one, other = (
        calibrated(namer, left_out(*pairs)) for pairs in ([(known, strange)], [(NONE, replace(strange)), (known, NONE)])
    )

    assert (one.temperature, one.unknown) == (other.temperature, other.unknown)
