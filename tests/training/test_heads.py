import numpy as np
import pytest
import torch

from inspector.fusion import PartSettings
from inspector.scorers import KnnSettings, MahalanobisSettings
from tests.parts import frozen_network, small_config
from training import heads as heads_module
from training.heads import Heads
from training.learn import UNRECORDED
from training.leftout import FOLDS, plan
from training.network import UnitLength
from training.seen import SeenSet

NORMALS, SCRATCHES, SPOTS = 40, 6, 5
AUXILIARY = 3
"""The label of the auxiliary class."""
FIRST_OF_TYPE = (NORMALS, NORMALS + SCRATCHES)


@pytest.fixture
def learned(monkeypatch):
    """What each head is learned from, in order."""
    given = []

    def learn_head(_, draws, classes, run=UNRECORDED):
        given.append((draws, classes, run))
        return f"head {len(given)}"

    monkeypatch.setattr(heads_module, "learn_head", learn_head)
    return given


def make(seen_set, *, auxiliary=True, draws=True, **changes):
    network, seen = seen_set
    labels = () if auxiliary else (AUXILIARY,)
    own = SeenSet(
        normal=seen.normal,
        held_out=seen.held_out,
        anomalies=seen.anomalies,
        made_up=seen.made_up,
        made_on=seen.made_on,
        draws=seen.draws.without((), labels) if draws else None,
        auxiliary=int(auxiliary),
    )
    return Heads(small_config(**{"network": frozen_network(), **changes}), network, own)


def left_pictures(fold):
    """Places of what the fold leaves out, a type as a whole aside."""
    of_types = [first + row for first, rows in zip(FIRST_OF_TYPE, fold.anomalies, strict=True) for row in rows]
    return {*fold.normals.tolist(), *map(int, of_types)}


def folds():
    return list(plan(NORMALS, (SCRATCHES, SPOTS)))


@pytest.mark.parametrize("number", range(FOLDS + 2))
def test_the_head_of_a_fold_is_learned_from_all_draws_but_of_what_it_leaves_out(seen_set, learned, number):
    fold = folds()[number]
    draws = seen_set[1].draws

    assert make(seen_set).without(fold) == "head 1"

    ((given, classes, run),) = learned
    whole = None if fold.whole_type is None else 1 + fold.whole_type
    kept = [
        row
        for row, (picture, label) in enumerate(zip(draws.pictures.tolist(), draws.labels.tolist(), strict=True))
        if picture not in left_pictures(fold) and label != whole
    ]
    assert torch.equal(given.pooled, draws.pooled[kept])
    assert torch.equal(given.labels, draws.labels[kept])
    assert not left_pictures(fold) & set(given.pictures.tolist())
    assert whole not in given.labels.tolist()
    assert len(kept) < len(draws.labels)
    assert (classes, run) == (4, UNRECORDED)


@pytest.mark.parametrize("number", range(FOLDS + 2))
def test_the_head_of_normals_is_learned_without_any_anomaly(seen_set, learned, number):
    fold = folds()[number]

    make(seen_set).of_normals_without(fold)

    ((given, _, _),) = learned
    assert set(given.labels.tolist()) == {0, AUXILIARY}
    pictures = set(given.pictures.tolist())
    assert pictures & set(range(NORMALS)) == set(range(NORMALS)) - set(fold.normals.tolist())
    assert not pictures & set(range(NORMALS, NORMALS + SCRATCHES + SPOTS))


def test_the_head_that_ships_is_learned_from_everything_and_recorded(seen_set, learned):
    heads, run = make(seen_set), object()

    assert heads.learn(run) == "head 1"

    ((given, classes, recorded),) = learned
    assert torch.equal(given.pooled, seen_set[1].draws.pooled)
    assert (classes, recorded) == (4, run)


def test_where_normals_only_ships_the_head_is_learned_anew_without_anomalies(seen_set, learned):
    heads = make(seen_set)

    assert heads.of_normals(heads.learn(UNRECORDED)) == "head 2"

    assert set(learned[1][0].labels.tolist()) == {0, AUXILIARY}
    assert set(range(NORMALS)) <= set(learned[1][0].pictures.tolist())


def test_normals_without_auxiliary_classes_teach_nothing(seen_set, learned):
    heads = make(seen_set, auxiliary=False)

    assert not heads.normals_teach
    assert isinstance(heads.of_normals_without(folds()[0]), UnitLength)
    assert isinstance(heads.of_normals("learned"), UnitLength)
    assert learned == []


def test_a_network_that_was_trained_as_a_whole_has_one_head(seen_set, learned):
    heads, own = make(seen_set, draws=False, network=small_config().network), seen_set[0].head

    assert heads.fixed
    assert heads.normals_teach
    assert heads.learn(UNRECORDED) is heads.without(folds()[0]) is heads.of_normals_without(folds()[0]) is own
    assert heads.of_normals(own) is own
    assert learned == []


@pytest.mark.parametrize(
    ("part", "heads_learned"),
    [
        (PartSettings(of="pooled", distance=MahalanobisSettings()), 0),
        (PartSettings(of="embedding", distance=KnnSettings()), 2),
    ],
)
def test_folds_learn_only_where_the_embedding_is_measured(seen_set, learned, part, heads_learned):
    heads = make(seen_set, scorers=(part,))

    heads.without(folds()[0])
    heads.of_normals_without(folds()[0])

    assert len(learned) == heads_learned


def test_real_heads_of_two_folds_differ_and_those_of_one_are_the_same(seen_set):
    heads = make(seen_set, trainer={"max_epochs": 1})
    pooled = torch.from_numpy(seen_set[1].normal.pooled)

    first, again, other = (heads.without(folds()[number])(pooled).detach().numpy() for number in (0, 0, 1))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
