from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from inspector.errors import DataError
from inspector.pictures import read_picture, resize
from tests.parts import SIZE, good_parts, scratched_parts, small_config, write_parts
from training.config import DataSettings
from training.prepare import prepare
from training.seen import untracked
from training.tiling import TilesSettings


def enlarged(parts):
    return [cv2.resize(part, None, fx=2, fy=3) for part in parts]


@pytest.fixture
def root(tmp_path):
    for name, parts in {"normal": good_parts(12), "scratch": scratched_parts(3)}.items():
        write_parts(tmp_path / "set" / name, enlarged(parts), name)
    write_parts(tmp_path / "others" / "bright", enlarged(255 - good_parts(4, seed=3)))
    return tmp_path / "set"


def config(root, **changes):
    data = {"root": root, "auxiliary": root.parent / "others", "holdout": 0.25} | changes
    return small_config(data=DataSettings(**data))


def test_every_picture_is_read_at_the_networks_size_into_its_class(root):
    data = prepare(config(root), untracked).data

    assert data.normal.shape == (9, SIZE, SIZE, 3)
    assert data.held_out.shape == (3, SIZE, SIZE, 3)
    assert {name: len(own) for name, own in data.anomalies.items()} == {"scratch": 3}
    assert {name: len(own) for name, own in data.auxiliary.items()} == {"bright": 4}
    first = resize(read_picture(root / "scratch" / "scratch-000.png"), SIZE, SIZE)
    np.testing.assert_array_equal(data.anomalies["scratch"][0], first)


def test_with_tiles_a_picture_is_read_at_the_size_that_they_cover(root):
    tiled = config(root).network.model_copy(update={"tiles": TilesSettings(rows=3, columns=2, overlap=0)})

    data = prepare(config(root).model_copy(update={"network": tiled}), untracked).data

    assert data.normal.shape == (9, 3 * SIZE, 2 * SIZE, 3)


def test_the_size_of_the_normals_is_known_where_it_is_one(root):
    assert prepare(config(root), untracked).data.taken_at == (3 * SIZE, 2 * SIZE)

    write_parts(root / "normal", good_parts(1)[:, :-2], "lower")

    assert prepare(config(root), untracked).data.taken_at is None


def test_no_normal_is_on_both_sides_of_the_split(root):
    data = prepare(config(root), untracked).data

    kept, held_out = ({part.tobytes() for part in own} for own in (data.normal, data.held_out))
    assert len(kept | held_out) == 12


def test_pictures_of_one_part_stay_together(root):
    data = prepare(config(root, group_pattern=r"-0(\d)\d", holdout=0.2), untracked).data

    # Parts 0 (ten pictures) and 1 (two).
    assert (len(data.normal), len(data.held_out)) == (10, 2)


def test_the_record_says_what_was_trained_on(root):
    wanted = config(root)

    record = prepare(wanted, untracked).record

    assert (record["normal"], record["held_out"]) == (9, 3)
    assert (record["anomalies"], record["auxiliary"]) == ({"scratch": 3}, {"bright": 4})
    assert record["config"] == wanted.model_dump(mode="json")


def test_a_set_is_known_again_by_its_contents_wherever_it_lies(root, tmp_path):
    record = prepare(config(root), untracked).record
    moved = root.rename(tmp_path / "elsewhere")
    again = prepare(config(moved), untracked).record
    (moved / "scratch" / "scratch-000.png").write_bytes((moved / "normal" / "normal-000.png").read_bytes() + b"\0")
    (moved / "normal" / "normal-000.png").unlink()
    changed = prepare(config(moved), untracked).record

    digests = ("normal_sha256", "held_out_sha256", "anomalies_sha256")
    assert all(record[name] == again[name] for name in digests)
    assert record["anomalies_sha256"] != changed["anomalies_sha256"]


def test_progress_is_told_of_every_picture(root):
    told = {}

    @contextmanager
    def track(what, total):
        told[what] = [total, 0]

        def progress(done):
            told[what][1] += done

        yield progress

    prepare(config(root), track)

    assert told == {"checking the pictures": [0, 19], "reading the pictures": [19, 19]}


def test_bad_pictures_are_all_named(root):
    (root / "normal" / "empty.png").touch()
    (root / "scratch" / "torn.png").write_bytes((root / "scratch" / "scratch-000.png").read_bytes()[:-30])

    with pytest.raises(DataError) as refused:
        prepare(config(root), untracked)

    assert "empty.png" in str(refused.value)
    assert "torn.png" in str(refused.value)


def test_the_groups_of_the_held_out_are_known_where_a_pattern_tells_them(root):
    assert prepare(config(root), untracked).data.held_out_groups is None

    data = prepare(config(root, group_pattern=r"normal-\d\d(\d)"), untracked).data

    assert len(data.held_out_groups) == len(data.held_out)
    assert 1 <= len(set(data.held_out_groups)) <= len(data.held_out)


def test_copies_among_the_held_out_are_refused_where_something_is_promised(root):
    write_parts(root / "normal", [np.ascontiguousarray(np.fliplr(enlarged(good_parts(1))[0]))] * 40, "copy")

    prepare(config(root), untracked)
    with pytest.raises(DataError, match="the same picture again, as it is, turned or mirrored: keep one"):
        prepare(config(root).model_copy(update={"max_false_reject": 0.2}), untracked)
