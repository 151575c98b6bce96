import logging
import random
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import DataError
from tests.requirements import TEST_DATA, needs
from training.config import DataSettings
from training.data import _nearest_subset, scan, split_groups


def write_picture(path: Path, seed: int, height: int = 20, width: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three normals, one of them in a subfolder, two anomaly types, and what belongs to no class."""
    folder = tmp_path / "cans"
    for seed, name in enumerate(
        [
            "normal/a.png",
            "normal/b.JPG",
            "normal/late/c.bmp",
            "dent/a.png",
            "metal_fragment/a.png",
            "metal_fragment/b.png",
        ]
    ):
        write_picture(folder / name, seed)
    write_picture(folder / "_masks" / "dent" / "a.png", 99)
    write_picture(folder / "normal" / "_masks" / "a.png", 99)
    write_picture(folder / ".trash" / "old.png", 98)
    for stray in ["LICENCE.txt", "normal/.DS_Store", "dent/Thumbs.db"]:
        (folder / stray).write_text("not a picture")
    return folder


def settings(root: Path, **changes: object) -> DataSettings:
    return DataSettings.model_validate({"root": root} | changes)


def names(root: Path, paths: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def failure(wanted: DataSettings) -> str:
    with pytest.raises(DataError) as raised:
        scan(wanted)
    return str(raised.value)


class TestScan:
    def test_finds_the_classes_and_leaves_out_masks_hidden_and_stray_files(self, root):
        pictures = scan(settings(root, anomalies={"dent": {"weight": 2}}))
        assert names(root, pictures.normal) == ["normal/a.png", "normal/b.JPG", "normal/late/c.bmp"]
        assert {kind: names(root, paths) for kind, paths in pictures.anomalies.items()} == {
            "dent": ["dent/a.png"],
            "metal_fragment": ["metal_fragment/a.png", "metal_fragment/b.png"],
        }
        assert pictures.auxiliary == {}

    @pytest.mark.parametrize("place", ["others", "cans/others", "cans/others/labelled"])
    def test_finds_the_auxiliary_set_beside_or_below_the_root(self, root, tmp_path, place):
        auxiliary = tmp_path / place
        cat, dog = write_picture(auxiliary / "cat" / "1.png", 50), write_picture(auxiliary / "normal" / "1.png", 51)
        pictures = scan(settings(root, auxiliary=auxiliary))
        assert pictures.auxiliary == {"cat": (cat,), "normal": (dog,)}
        assert set(pictures.anomalies) == {"dent", "metal_fragment"}

    def test_tells_of_each_file_once(self, root):
        seen: list[Path] = []
        pictures = scan(settings(root), on_file=seen.append)
        assert sorted(seen) == sorted([*pictures.normal, *(p for paths in pictures.anomalies.values() for p in paths)])

    def test_lists_all_bad_files_at_once_with_their_reasons(self, root):
        good = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))[1].tobytes()
        bad = {
            "normal/truncated.jpg": good[: len(good) // 2],
            "normal/empty.png": b"",
            "dent/empty_too.jpg": b"",
            "dent/text.png": b"this is no picture at all",
            "metal_fragment/notes.txt": b"remember the milk",
        }
        for name, data in bad.items():
            (root / name).write_bytes(data)
        message = failure(settings(root))
        assert message.startswith("5 file(s)")
        assert "remove them from the class folders or replace them" in message
        sections = message.split("\n  ")
        for name in bad:
            assert message.count(str(root / name)) == 1
        assert f"    {root / 'normal/truncated.jpg'}" in message[message.index("truncated:") :]
        empty = next(index for index, line in enumerate(sections) if line == "the file is empty:")
        assert {line.strip() for line in sections[empty + 1 : empty + 3]} == {
            str(root / "normal/empty.png"),
            str(root / "dent/empty_too.jpg"),
        }
        for name in ["normal/a.png", "_masks", ".DS_Store", "LICENCE", "Thumbs"]:
            assert name not in message

    def test_bad_auxiliary_files_are_listed_too(self, root, tmp_path):
        write_picture(tmp_path / "others" / "cat" / "1.png", 50)
        (tmp_path / "others" / "cat" / "2.png").write_bytes(b"")
        assert str(tmp_path / "others" / "cat" / "2.png") in failure(settings(root, auxiliary=tmp_path / "others"))

    def test_the_same_picture_in_two_classes_is_an_error_also_when_encoded_anew(self, root):
        pixels = cv2.imread(str(root / "normal" / "a.png"))
        cv2.imwrite(str(root / "dent" / "copy.bmp"), pixels)
        (root / "dent" / "empty.png").write_bytes(b"")
        message = failure(settings(root))
        assert f"{root / 'dent/copy.bmp'} = {root / 'normal/a.png'}" in message
        assert "several classes" in message
        assert "empty.png" in message

    def test_the_same_picture_twice_in_a_class_is_only_logged(self, root, caplog):
        shutil.copy(root / "normal" / "a.png", root / "normal" / "again.png")
        with caplog.at_level(logging.WARNING):
            pictures = scan(settings(root))
        assert len(pictures.normal) == 4
        assert f"{root / 'normal/again.png'} is a copy of {root / 'normal/a.png'}" in caplog.text

    def test_no_root(self, tmp_path):
        message = failure(settings(tmp_path / "absent"))
        assert str(tmp_path / "absent") in message
        assert "data.root" in message

    def test_all_mistakes_in_the_folders_come_at_once(self, root):
        (root / "scratch").mkdir()
        anomalies = {"metal_fragmet": {}, "zzz": {}, "good": {}}
        message = failure(settings(root, normal="good", anomalies=anomalies))
        assert "data.normal: no folder 'good'; there are: dent, metal_fragment, normal, scratch" in message
        assert "data.anomalies.good: this is the normal class" in message
        assert "data.anomalies.metal_fragmet: no folder 'metal_fragmet'; did you mean 'metal_fragment'?" in message
        assert "data.anomalies.zzz: no folder 'zzz'; there are: dent" in message
        assert f"{root / 'scratch'}: no pictures" in message

    def test_the_normal_folder_is_never_suggested_as_an_anomaly_type(self, root):
        message = failure(settings(root, anomalies={"norml": {}}))
        assert "data.anomalies.norml: no folder 'norml'; there are: dent, metal_fragment" in message

    def test_a_normal_folder_without_pictures(self, root):
        shutil.rmtree(root / "normal")
        assert "data.normal: no folder 'normal'" in failure(settings(root))
        (root / "normal").mkdir()
        assert f"{root / 'normal'}: no pictures" in failure(settings(root))

    def test_an_auxiliary_set_that_cannot_be_one(self, root, tmp_path):
        (tmp_path / "others").mkdir()
        assert "no class folders" in failure(settings(root, auxiliary=tmp_path / "others"))
        assert "holds data.root" in failure(settings(root, auxiliary=tmp_path))
        assert "holds data.root" in failure(settings(root, auxiliary=root))

    def test_real_pictures(self):
        needs((TEST_DATA / "steel_demo").is_dir(), f"the set steel_demo in {TEST_DATA}")
        pictures = scan(settings(TEST_DATA / "steel_demo"))
        assert len(pictures.normal) == 281
        assert {len(paths) for paths in pictures.anomalies.values()} == {40}
        assert len(pictures.anomalies) == 7


def made_up(parts: dict[str, int], folder: str = "/data/normal") -> list[Path]:
    return [Path(folder, f"{part}_{view}.png") for part, views in parts.items() for view in range(views)]


def best_share(sizes: list[int], share: float) -> float:
    """The distance of the best split from the wanted share, by trying all of them."""
    total = sum(sizes)
    sums = {0}
    for size in sizes:
        sums |= {reached + size for reached in sums}
    return min(abs(reached - share * total) for reached in sums - {0, total})


class TestSplitGroups:
    @given(
        st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), st.integers(1, 9), min_size=2, max_size=12),
        st.floats(0.01, 0.99),
        st.integers(0, 2**31),
        st.randoms(),
    )
    def test_parts_stay_whole_and_the_share_is_the_nearest(self, parts, share, seed, shuffler):
        paths = made_up(parts)
        kept, held_out = split_groups(paths, share, seed, r"^([a-z]+)_")
        assert sorted([*kept, *held_out]) == sorted(paths)
        assert kept
        assert held_out
        assert not {path.name.split("_")[0] for path in kept} & {path.name.split("_")[0] for path in held_out}
        assert abs(len(held_out) - share * len(paths)) == pytest.approx(best_share(list(parts.values()), share))

        shuffler.shuffle(paths)
        assert split_groups(paths, share, seed, r"^([a-z]+)_") == (kept, held_out)
        moved_kept, moved_held_out = split_groups(made_up(parts, "/elsewhere/deeper/x"), share, seed, r"^([a-z]+)_")
        assert [path.name for path in moved_kept] == [path.name for path in kept]
        assert [path.name for path in moved_held_out] == [path.name for path in held_out]

    def test_without_a_pattern_each_file_is_a_part(self):
        paths = made_up({"a": 100})
        kept, held_out = split_groups(paths, 0.25, seed=1)
        assert (len(kept), len(held_out)) == (75, 25)
        assert split_groups(paths, 0.25, seed=2)[1] != held_out

    def test_every_picture_is_held_out_equally_often(self):
        paths = made_up({"a": 8})
        held_out = [path for seed in range(800) for path in split_groups(paths, 0.25, seed)[1]]
        counts = [held_out.count(path) for path in paths]
        assert sum(counts) == 1600
        assert min(counts) > 150  # 200 expected, binomial with a deviation of 12
        assert max(counts) < 250

    def test_same_names_in_subfolders_are_different_pictures(self):
        paths = [Path("/data/normal", day, f"{n}.png") for day in ("monday", "tuesday") for n in range(10)]
        kept, held_out = split_groups(random.Random(0).sample(paths, 20), 0.5, seed=0)
        assert sorted([*kept, *held_out]) == sorted(paths)
        assert (len(kept), len(held_out)) == (10, 10)

    def test_relative_paths_are_given_back_as_they_came(self):
        paths = [Path("a.png"), Path("normal/b.png")]
        kept, held_out = split_groups(paths, 0.5, seed=0)
        assert sorted([*kept, *held_out]) == paths

    @pytest.mark.parametrize(
        ("paths", "pattern"), [([], None), (made_up({"a": 1}), None), (made_up({"a": 9}), "^(.)_")]
    )
    def test_fewer_than_two_parts_cannot_be_split(self, paths, pattern):
        with pytest.raises(DataError, match="cannot be split in two"):
            split_groups(paths, 0.5, 0, pattern)

    @pytest.mark.parametrize("pattern", [r"^(\d+)_", r"^(\d*)", r"^(\d+)?a"])
    def test_names_without_a_part_are_listed_with_the_pattern(self, pattern):
        paths = [Path("/d/11_a.png"), Path("/d/12_a.png"), Path("/d/ab.png"), Path("/d/ac.png")]
        with pytest.raises(DataError) as raised:
            split_groups(paths, 0.5, 0, pattern)
        message = str(raised.value)
        assert repr(pattern) in message
        assert "/d/ab.png" in message
        assert "/d/ac.png" in message

    @pytest.mark.parametrize(("pattern", "fault"), [("(", "no regular expression"), ("a", "needs a group")])
    def test_a_pattern_that_is_none(self, pattern, fault):
        with pytest.raises(DataError, match=fault):
            split_groups(made_up({"a": 2}), 0.5, 0, pattern)

    def test_the_lesser_of_two_equally_near_sums(self):
        assert sum([1, 1, 1][place] for place in _nearest_subset([1, 1, 1], 1.5)) == 1
        assert sum([3, 5][place] for place in _nearest_subset([3, 5], 4)) == 3
