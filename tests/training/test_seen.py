from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.parts import frozen_network, good_parts, scratched_parts, small_config
from training.dataset import PictureDataset
from training.features import see
from training.learn import UNRECORDED
from training.network import Head, UnitLength
from training.seen import MADE_UP, NORMAL, TrainingSet, plain, see_all, untracked

LABELS = [0] * 40 + [1] * 6 + [2] * 5 + [3] * 10
"""Of normals, two anomaly types and an auxiliary class, one after the other."""


def looked(pictures, **changes):
    return see_all(small_config(network=frozen_network(), **changes), pictures, UNRECORDED, untracked)


class TestFrozen:
    def test_everything_is_seen_as_it_is_on_the_scale_of_the_normals(self, seen_set, pictures_of_two_types):
        network, seen = seen_set

        for own, pixels in (
            (seen.normal, pictures_of_two_types.normal),
            (seen.held_out, pictures_of_two_types.held_out),
            *zip(seen.anomalies.values(), pictures_of_two_types.anomalies.values(), strict=True),
        ):
            again = see(network.trunk, plain(pixels))
            np.testing.assert_allclose(own.pooled, again.pooled, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(own.patches, again.patches, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(seen.normal.patches.mean(axis=(0, 1, 2)), 0, atol=1e-2)
        assert list(seen.anomalies) == ["scratch", "spot"]
        assert seen.auxiliary == 1

    def test_draws_name_the_picture_and_its_class(self, seen_set):
        _, seen = seen_set

        counts = Counter(seen.draws.labels.tolist())
        # Two views; the anomalies together as often as the normals.
        assert (counts[NORMAL], counts[1] + counts[2], counts[3]) == (80, 80, 20)
        assert seen.draws.labels.tolist() == [LABELS[picture] for picture in seen.draws.pictures]

    def test_draws_are_versions_of_the_pictures_that_they_name(self, seen_set, pictures_of_two_types):
        """Not changed at all they are what the trunk sees in them."""
        unchanged = small_config().augment.model_copy(
            update=dict.fromkeys(("flip_horizontal", "flip_vertical"), False)
            | dict.fromkeys(("scale", "shift", "pca_colour"), 0.0)
        )

        network, seen = looked(pictures_of_two_types, augment=unchanged)

        data = pictures_of_two_types
        everything = np.concatenate([data.normal, *data.anomalies.values(), *data.auxiliary.values()])
        expected = see(network.trunk, plain(everything)).pooled[seen.draws.pictures]
        np.testing.assert_allclose(seen.draws.pooled, expected, rtol=1e-4, atol=1e-6)

    def test_a_heavier_type_is_drawn_more_often(self, pictures_of_two_types):
        data = small_config().data.model_validate(
            {"root": "unused", "anomalies": {"scratch": {"weight": 1}, "spot": {"weight": 3}}}
        )

        _, seen = looked(pictures_of_two_types, data=data)

        counts = Counter(seen.draws.labels.tolist())
        assert (counts[1], counts[2]) == (10, 30)

    def test_the_head_is_none_yet(self, seen_set):
        assert isinstance(seen_set[0].head, UnitLength)


class TestMadeUp:
    def test_defects_are_made_where_there_is_one_anomaly_type(self, pictures_of_two_types):
        scratch = {"scratch": pictures_of_two_types.anomalies["scratch"]}

        _, seen = looked(replace(pictures_of_two_types, anomalies=scratch))

        assert len(seen.made_up) == len(seen.made_on) == MADE_UP
        assert sorted(seen.made_on.tolist()) == list(range(40))
        assert np.abs(seen.made_up.patches - seen.normal.take(seen.made_on).patches).max(axis=(1, 2, 3)).min() > 0

    def test_and_else_not(self, pictures_of_two_types):
        for anomalies in (pictures_of_two_types.anomalies, {}):
            _, seen = looked(replace(pictures_of_two_types, anomalies=anomalies))

            assert len(seen.made_up) == len(seen.made_on) == 0


class TestNothingToLearn:
    def test_normals_alone_are_said_to_teach_nothing(self, pictures_of_two_types, caplog):
        network, seen = looked(replace(pictures_of_two_types, anomalies={}, auxiliary={}))

        assert "nothing is learned" in caplog.text
        assert seen.draws is None
        assert isinstance(network.head, UnitLength)

    @pytest.mark.parametrize("left", ["anomalies", "auxiliary"])
    def test_either_other_class_teaches(self, pictures_of_two_types, caplog, left):
        _, seen = looked(replace(pictures_of_two_types, **{left: {}}))

        assert seen.draws is not None
        assert not caplog.text


def test_a_network_that_is_trained_as_a_whole_is_trained_before_it_looks(pictures_of_two_types):
    torch.manual_seed(0)
    config = small_config(trainer={"max_epochs": 1})

    network, seen = see_all(config, pictures_of_two_types, UNRECORDED, untracked)

    assert isinstance(network.head, Head)
    assert seen.draws is None
    again = see(network.trunk, PictureDataset(pictures_of_two_types.held_out, [0] * 30))
    np.testing.assert_allclose(seen.held_out.patches, again.patches, rtol=1e-3, atol=1e-3)


def test_progress_is_told_of_every_picture():
    done = {}

    @contextmanager
    def track(what, total):
        done[what] = [total, 0]

        def progress(n):
            done[what][1] += n

        yield progress

    data = TrainingSet(good_parts(20), good_parts(9), {"scratch": scratched_parts(3)}, {})
    see_all(small_config(network=frozen_network()), data, UNRECORDED, track)

    assert all(told == total for total, told in done.values())
    assert [total for total, _ in done.values()] == [40, 20, 9, 3, 20]
