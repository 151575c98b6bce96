import errno
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.archive.layout import Day, date_of
from inspector.archive.prune import Limits, prune
from inspector.archive.writing import HEAT_MAP_PIXELS, Writer, write_whole
from inspector.errors import FrameError
from inspector.inspection import Inspection, Outcome, utc_now
from inspector.pictures import read_picture
from tests.archived import names, seen
from tests.entries import STATION
from tests.parts import good_parts

ROOT = Path(__file__).parents[3]


def writer(folder, **changes):
    return Writer(folder, **({"png": False, "quality": 90, "heat_maps": True, "least_free_bytes": 0} | changes))


def files(folder, evidence):
    """By their endings."""
    day = Day(date_of(evidence.inspection.id), STATION).path(folder)
    start = f"{evidence.inspection.id}.{evidence.inspection.outcome.lower()}."
    return {path.name.removeprefix(start): path for path in day.iterdir()}


@pytest.mark.parametrize("part_id", ["lid-1", "../../../etc/cron.d/x", "a/b\0c", "\n", "CON", ".", "ä" * 500])
def test_the_files_of_an_inspection_are_named_by_its_id_whatever_the_part_is_called(tmp_path, part_id):
    evidence = seen(part_id=part_id, heat=np.ones((2, 2), np.float32))

    written = writer(tmp_path).write(evidence)

    found = files(tmp_path, evidence)
    assert set(found) == {"jpg", "heat.jpg", "json"}
    assert len(names(tmp_path)) == 3
    assert written == sum(path.stat().st_size for path in found.values())
    assert Inspection.model_validate_json(found["json"].read_bytes()) == evidence.inspection


def test_png_is_what_the_camera_gave(tmp_path):
    evidence = seen(pixels=good_parts(1)[0])

    writer(tmp_path, png=True).write(evidence)

    found = files(tmp_path, evidence)
    assert np.array_equal(read_picture(found["png"]), evidence.frame.pixels)
    assert set(found) == {"png", "json"}


def test_jpeg_has_the_colours_and_the_size_of_what_the_camera_gave(tmp_path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:] = (200, 40, 90)
    evidence = seen(pixels=pixels)

    writer(tmp_path).write(evidence)

    read = read_picture(files(tmp_path, evidence)["jpg"])
    assert read.shape == pixels.shape
    assert np.abs(read.astype(int) - pixels).max() < 8


def test_quality_is_that_of_the_jpeg(tmp_path):
    evidence = seen(pixels=good_parts(1)[0].repeat(8, axis=0).repeat(8, axis=1))
    sizes = []
    for quality in (30, 95):
        writer(tmp_path, quality=quality).write(evidence)
        sizes.append(files(tmp_path, evidence)["jpg"].stat().st_size)

    assert sizes[0] < sizes[1]


def test_the_heat_map_is_small_and_hot_where_the_part_is_abnormal(tmp_path):
    grid = np.zeros((4, 4), np.float32)
    grid[0, 0] = 30
    evidence = seen(pixels=np.full((1200, 1600, 3), 90, np.uint8), heat=grid)

    writer(tmp_path).write(evidence)

    heat_map = read_picture(files(tmp_path, evidence)["heat.jpg"])
    assert heat_map.shape == (480, HEAT_MAP_PIXELS, 3)
    assert np.abs(heat_map[40, 40].astype(int) - 90).max() > 50
    assert np.abs(heat_map[-40, -40].astype(int) - 90).max() < 10


@pytest.mark.parametrize("changes", [{"heat_maps": False}, {}])
def test_without_a_heat_map_there_is_none(tmp_path, changes):
    heat = np.ones((2, 2), np.float32) if changes else None
    evidence = seen(heat=heat)

    writer(tmp_path, **changes).write(evidence)

    assert set(files(tmp_path, evidence)) == {"jpg", "json"}


def test_what_could_not_be_scored_has_no_heat_map(tmp_path):
    evidence = seen(Outcome.ERROR, heat=np.full((2, 2), np.nan, np.float32))

    writer(tmp_path).write(evidence)

    assert set(files(tmp_path, evidence)) == {"jpg", "json"}


def test_pixels_that_no_file_can_hold_are_told(tmp_path):
    with pytest.raises(FrameError, match=r"no \.jpg file can be made of a picture of 70000 x 1"):
        writer(tmp_path).write(seen(pixels=np.zeros((1, 70_000, 3), np.uint8)))

    assert names(tmp_path) == []


def test_a_disk_with_too_little_room_is_not_filled(tmp_path):
    with pytest.raises(OSError, match=r"less than half of archive\.min_free_bytes") as raised:
        writer(tmp_path, least_free_bytes=10**18).write(seen())

    assert raised.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


def test_a_disk_that_fails_in_the_middle_leaves_whole_files_alone(tmp_path, monkeypatch):
    fsync, calls = os.fsync, iter(range(10))

    def fail_at_the_second(handle):
        if next(calls) == 1:
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail_at_the_second)

    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path, {"a": b"1", "b": b"2"})
    assert names(tmp_path) == []


def test_files_are_there_as_a_whole_and_only_the_group_may_read_them(tmp_path):
    write_whole(tmp_path, {"a": b"1"})
    write_whole(tmp_path, {"a": b"22"})

    assert (tmp_path / "a").read_bytes() == b"22"
    assert (tmp_path / "a").stat().st_mode & 0o777 & ~0o640 == 0


def test_no_folder_of_the_archive_is_open_to_everybody(tmp_path):
    folder = tmp_path / "lines" / "archive"

    writer(folder).write(seen())

    made = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    assert len(made) == 3
    assert {path.stat().st_mode & 0o007 for path in made} == {0}


def test_a_link_in_the_place_of_an_unfinished_file_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "day"
    folder.mkdir()
    (folder / ".a.part").symlink_to(victim)

    with pytest.raises(OSError):
        write_whole(folder, {"a": b"1"})
    assert victim.read_text() == "precious"


def test_every_dimension_of_a_heat_map_is_at_least_a_pixel(tmp_path):
    evidence = seen(pixels=np.full((1, 3000, 3), 90, np.uint8), heat=np.ones((2, 2), np.float32))

    writer(tmp_path).write(evidence)

    assert cv2.imread(str(files(tmp_path, evidence)["heat.jpg"])).shape[0] == 1


KILLED = """
import os, sys
from pathlib import Path
from tests.archived import archive, seen

replace, calls = Path.replace, iter(range(9))
Path.replace = lambda *paths: os._exit(9) if next(calls) == int(sys.argv[2]) else replace(*paths)
opened = archive(Path(sys.argv[1]))
opened.see(seen())
opened.close()
"""


@pytest.mark.parametrize("renames", [0, 1])
def test_a_crash_between_write_and_rename_leaves_whole_files_or_none_and_a_prune_clears_the_rest(tmp_path, renames):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(renames)], cwd=ROOT, check=False)

    assert done.returncode == 9
    left = [Path(name).name for name in names(tmp_path)]
    assert [name.endswith(".part") for name in left] == [True] * (2 - renames) + [False] * renames
    for path in tmp_path.rglob("*.jpg"):
        assert read_picture(path).shape == (24, 32, 3)
    report = prune(tmp_path, Limits(1, 1, None, 0), now=utc_now() + timedelta(hours=2))
    assert (report.unfinished, report.kept.total()) == (2 - renames, renames)
    assert len(names(tmp_path)) == renames
