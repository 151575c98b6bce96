import numpy as np
import pytest
import torch

from tests.parts import frozen_network, good_parts, scratched_parts, small_config
from training import remembered
from training.features import see
from training.learn import UNRECORDED
from training.network import Network
from training.remembered import FILE, Memory
from training.seen import TrainingSet, plain, see_all, untracked


@pytest.fixture
def config():
    return small_config(network=frozen_network())


@pytest.fixture
def trunk(config):
    torch.manual_seed(0)
    return Network(config.network, learned=False).trunk


@pytest.fixture
def looks(monkeypatch):
    """How many pictures the trunk looked at, time after time."""
    counts = []

    def counted(trunk, pictures, progress):
        counts.append(len(pictures))
        return see(trunk, pictures, progress)

    monkeypatch.setattr(remembered, "see", counted)
    return counts


NORMAL, SCRATCHED = good_parts(40), scratched_parts(5)


def a_set(normal=NORMAL, scratched=SCRATCHED):
    return TrainingSet(normal, good_parts(20, seed=1), {"scratch": scratched}, {})


def fitted(config, data, memory):
    torch.manual_seed(0)
    return see_all(config, data, UNRECORDED, untracked, memory)


class TestLooking:
    def test_what_was_seen_is_what_the_trunk_sees(self, config, trunk, looks):
        memory, parts = Memory.of(config), good_parts(6)

        first, again = memory.look(trunk, parts[:4]), memory.look(trunk, parts)

        expected = see(trunk, plain(parts))
        np.testing.assert_allclose(again.pooled, expected.pooled, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(again.patches, expected.patches, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(first.patches, again.patches[:4])
        assert looks == [4, 2]


class TestKeeping:
    def kept(self, config, folder):
        memory = Memory.of(config)
        fitted(config, a_set(), memory)
        memory.ways_on(good_parts(2), lambda: np.ones((2, 3), np.float32))
        memory.trunk = b"graph"
        memory.write(folder)
        return memory

    def test_it_comes_back_as_it_was(self, config, tmp_path):
        memory = self.kept(config, tmp_path)

        again = Memory.read(tmp_path, config)

        assert again.known.keys() == memory.known.keys()
        assert all(np.array_equal(again.known[each][1], memory.known[each][1]) for each in memory.known)
        np.testing.assert_array_equal(again.drawn.pooled, memory.drawn.pooled)
        assert (again.drawn.digests, again.drawn.classes) == (memory.drawn.digests, memory.drawn.classes)
        assert (again.trunk, again.ways_of) == (b"graph", memory.ways_of)
        assert [path.name for path in tmp_path.iterdir()] == [FILE]

    @pytest.mark.parametrize(
        "change",
        [{"seed": 5}, {"views": 3}, {"network": frozen_network(levels=(4,))}],
        ids=["seed", "views", "network"],
    )
    def test_that_of_another_network_or_augmentation_is_no_use(self, config, tmp_path, change, caplog):
        self.kept(config, tmp_path)

        assert not Memory.read(tmp_path, config.model_copy(update=change)).known
        assert "of another network" in caplog.text

    def test_a_damaged_file_is_said_and_passed_over(self, config, tmp_path, caplog):
        self.kept(config, tmp_path)
        data = bytearray((tmp_path / FILE).read_bytes())
        (tmp_path / FILE).write_bytes(data[: len(data) // 2])

        assert not Memory.read(tmp_path, config).known
        assert "damaged" in caplog.text

    def test_too_much_is_not_written(self, config, tmp_path, monkeypatch):
        monkeypatch.setattr(remembered, "MOST_BYTES", 1000)

        memory = self.kept(config, tmp_path)

        assert not (tmp_path / FILE).exists()
        assert not memory.known

    def test_what_is_not_in_the_set_any_more_is_not_kept(self, config, tmp_path):
        self.kept(config, tmp_path)
        memory = Memory.read(tmp_path, config)
        fitted(config, a_set(normal=NORMAL[:35]), memory)

        memory.write(tmp_path)

        # A made-up defect on each of so few normals.
        assert len(Memory.read(tmp_path, config).known) == 35 + 20 + 5 + 35


class TestRefit:
    def test_the_same_set_is_not_looked_at_again_and_is_seen_the_same(self, config, looks):
        memory = Memory.of(config)
        _, first = fitted(config, a_set(), memory)
        looks.clear()

        _, again = fitted(config, a_set(), memory)

        assert looks == []
        for one, other in ((first.normal, again.normal), (first.anomalies["scratch"], again.anomalies["scratch"])):
            np.testing.assert_array_equal(one.patches, other.patches)
        assert sorted(map(tuple, first.draws.pooled.tolist())) == sorted(map(tuple, again.draws.pooled.tolist()))

    def test_only_new_pictures_are_looked_at_and_drawn(self, config, looks):
        memory = Memory.of(config)
        _, first = fitted(config, a_set(), memory)
        looks.clear()
        more = np.concatenate([scratched_parts(5), scratched_parts(3, seed=9)])

        _, again = fitted(config, a_set(scratched=more), memory)

        assert looks[0] == 3
        labels = {
            int(picture): int(label) for picture, label in zip(again.draws.pictures, again.draws.labels, strict=True)
        }
        assert [labels[40 + place] for place in range(8)] == [1] * 8
        drawn = {row.tobytes() for row in again.draws.pooled.numpy()}
        assert {row.tobytes() for row in first.draws.pooled.numpy()} < drawn

    def test_draws_of_pictures_that_are_gone_or_of_another_class_now_do_not_count(self, config):
        memory = Memory.of(config)
        fitted(config, a_set(), memory)

        _, again = fitted(config, a_set(normal=good_parts(40)[:30], scratched=scratched_parts(5)[:4]), memory)

        assert set(again.draws.pictures.tolist()) == set(range(34))
        assert [int(label) for label in again.draws.labels[again.draws.pictures >= 30].unique()] == [1]
