import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.benchmark.splits import TRAIN_SHARE, splits

SHOTS = (0, 1, 4, 10)
SIZES = {"crack": 9, "dent": 14, "spot": 3}


def made(seed=0, normals=50, sizes=SIZES, *, shots=SHOTS, settings=("general", "hard"), hard=None):
    hard = list(sizes) if hard is None else hard
    return list(splits(normals, sizes, seed=seed, shots=shots, settings=settings, hard=hard))


def rows(by_type):
    return {(name, int(row)) for name, own in by_type.items() for row in own}


@given(
    st.integers(0, 20),
    st.integers(5, 80),
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 12), min_size=1),
    st.lists(st.integers(0, 12), min_size=1, unique=True),
)
def test_nothing_that_is_tested_trains(seed, normals, sizes, shots):
    for split in made(seed, normals, sizes, shots=shots):
        assert not set(split.train.tolist()) & set(split.test.tolist())
        assert sorted([*split.train, *split.test]) == list(range(normals))
        assert len(split.train) == round(TRAIN_SHARE * normals)
        assert not rows(split.known) & rows(split.unseen)
        assert rows(split.unseen), "there is nothing to test"
        assert all(row < sizes[name] for name, row in rows(split.known) | rows(split.unseen))


@given(st.integers(0, 20), st.sampled_from(SHOTS))
def test_in_general_the_known_ones_are_of_any_type_and_all_others_are_tested(seed, shots):
    for split in made(seed, shots=(shots,), settings=("general",)):
        everything = {(name, row) for name, size in SIZES.items() for row in range(size)}
        assert rows(split.known) | rows(split.unseen) == everything
        assert len(rows(split.known)) == shots


def test_known_ones_are_drawn_from_all_anomalies_alike():
    drawn = [name for seed in range(200) for split in made(seed, shots=(4,), settings=("general",)) for name, _ in
             rows(split.known)]  # fmt: skip

    for name, size in SIZES.items():
        assert drawn.count(name) / len(drawn) == pytest.approx(size / sum(SIZES.values()), abs=0.05)


def test_in_the_hard_setting_the_known_type_is_not_tested():
    own = [split for split in made(settings=("hard",)) if split.shots]

    assert [(split.shots, split.type) for split in own] == [(shots, name) for shots in SHOTS[1:] for name in SIZES]
    for split in own:
        assert set(split.known) == {split.type}
        assert len(split.known[split.type]) == min(split.shots, SIZES[split.type])
        others = {name: size for name, size in SIZES.items() if name != split.type}
        assert rows(split.unseen) == {(name, row) for name, size in others.items() for row in range(size)}


def test_only_the_hard_types_that_are_asked_for_are_known():
    assert {split.type for split in made(shots=(1,), settings=("hard",), hard=["dent"])} == {"dent"}


def test_with_one_type_there_is_no_hard_setting():
    assert [split.setting for split in made(sizes={"crack": 9}, shots=(1, 4))] == ["general"] * 2


def test_where_all_would_be_known_nothing_is_left_to_test():
    assert [split.shots for split in made(sizes={"crack": 4}, shots=(1, 3, 4, 10))] == [1, 3]


def test_without_shots_there_is_one_split_that_tests_everything():
    (split,) = made(shots=(0,))

    assert (split.setting, split.type, split.known) == (None, None, {})
    assert {name: len(own) for name, own in split.unseen.items()} == SIZES


def test_all_splits_of_a_seed_have_the_same_normals_and_other_seeds_others():
    first, *rest = made(seed=3)

    for split in rest:
        np.testing.assert_array_equal(split.train, first.train)
        np.testing.assert_array_equal(split.test, first.test)
    assert not np.array_equal(made(seed=4)[0].train, first.train)


def test_more_shots_are_the_fewer_and_others():
    by_kind = {}
    for split in made():
        before = by_kind.setdefault((split.setting, split.type), set())
        assert before <= rows(split.known)
        by_kind[split.setting, split.type] = rows(split.known)


def test_the_same_seed_gives_the_same_splits_whichever_are_asked_for():
    everything = {str(split.tags): split for split in made()}

    for split in [*made(shots=(4,)), *made(settings=("hard",), hard=["spot"], shots=(1, 10))]:
        same = everything[str(split.tags)]
        np.testing.assert_array_equal(split.train, same.train)
        assert rows(split.known) == rows(same.known)


def test_tags_name_each_split():
    own = [tuple(split.tags.items()) for seed in range(2) for split in made(seed)]

    assert len(own) == len(set(own)) == 2 * (1 + 3 * (1 + 3))
