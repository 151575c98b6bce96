import warnings

import cv2
import numpy as np
import pytest

from inspector.inspection import Outcome
from tests.parts import SIZE, good_parts, scratched_parts, write_parts
from training.evaluate import Scored, known
from training.overlays import GAP, SIDE, draw_overlays, panel, shared_ceiling


def heat_map(hottest):
    grid = np.zeros((4, 4), np.float32)
    grid[1:3, 1:3] = hottest
    return grid


def judged(label, files, scores, heat_map=heat_map):
    return [
        Scored(f, label, float(s), Outcome.FAIL if s > 2 else Outcome.PASS, None, heat_map(s), (SIZE, SIZE))
        for f, s in zip(files, scores, strict=True)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Good parts and two defect types; every scratch has a mask, no dent has."""
    root = tmp_path_factory.mktemp("set")
    write_parts(root / "normal", good_parts(6))
    write_parts(root / "dent [$x_$]", 255 - good_parts(3))
    for file in write_parts(root / "scratch", scratched_parts(6)):
        mask = root / "_masks" / "scratch" / file.name
        mask.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(mask), np.uint8(200) * (cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 200))
    return root


@pytest.fixture
def scored(root):
    files = {folder.name: sorted(folder.iterdir()) for folder in root.iterdir() if folder.name != "_masks"}
    return [
        *judged("normal", files["normal"], [-1, 0, 0.5, 1, 1.5, 3]),
        *judged("scratch", files["scratch"], [1, 4, 6, 8, 9, 12]),
        *judged("dent [$x_$]", files["dent [$x_$]"], [5, 7, 9]),
    ]


def drawn(scored, root, folder, **options):
    """The sheet, drawn without a word of complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_overlays(scored, "normal", root, folder / "overlays.png", **options)
    return cv2.imread(str(folder / "overlays.png"))


def test_draws_a_row_for_each_type_and_one_for_the_normals(scored, root, tmp_path):
    sheet, without_dents = (drawn(kept, root, tmp_path) for kept in (scored, scored[:12]))

    assert sheet.std() > 20
    assert sheet.shape[0] > 1.3 * without_dents.shape[0]
    assert sheet.shape[1] == without_dents.shape[1]


def test_shows_the_highest_and_the_lowest_scores_of_each_type(scored, root, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("training.overlays.read_picture", lambda file: shown.append(file) or good_parts(1)[0])

    drawn(scored, root, tmp_path)

    score = {each.file: each.score for each in scored}
    highest, lowest = shown[:6], shown[6:]
    assert [score[file] for file in highest] == [9, 7, 12, 9, 3, 1.5]
    assert [score[file] for file in lowest] == [5, 1, 4, -1, 0], "no picture of a small type is shown twice"


@pytest.mark.parametrize("labels", [{"normal"}, {"scratch"}])
def test_a_set_of_one_kind_is_drawn_as_well(scored, root, tmp_path, labels):
    assert drawn([each for each in scored if each.label in labels], root, tmp_path).std() > 5


def test_a_picture_that_could_not_be_scored_is_drawn_as_well(scored, root, tmp_path):
    error = Scored(scored[0].file, "dent", known(None), Outcome.ERROR, None, heat_map(np.nan), (SIZE, SIZE))

    assert drawn([*scored, error], root, tmp_path).std() > 5
    assert shared_ceiling([*scored, error], "normal") == shared_ceiling(scored, "normal")


def test_without_heat_maps_nothing_is_written(scored, root, tmp_path):
    draw_overlays([Scored(scored[0].file, "normal", 0, Outcome.PASS, None)], "normal", root, tmp_path / "overlays.png")

    assert list(tmp_path.iterdir()) == []


class TestCeiling:
    def even(self, label, scores):
        """As hot everywhere as its score."""
        files = [f"{label} {number}.png" for number in range(len(scores))]
        return judged(label, files, scores, lambda score: np.full((4, 4), score, np.float32))

    def test_half_of_well_separated_defects_are_hottest(self):
        normals, defects = self.even("normal", np.linspace(0, 3, 201)), self.even("scratch", [20, 40, 90])

        assert shared_ceiling([*normals, *defects], "normal") == pytest.approx(40)

    def test_hardly_a_normal_is_hottest_where_defects_are_as_cold(self):
        normals, defects = self.even("normal", np.linspace(0, 3, 201)), self.even("scratch", [1, 1, 1])

        assert shared_ceiling([*normals, *defects], "normal") == pytest.approx(0.99 * 3)

    def test_a_single_hot_place_counts_as_it_is_drawn_smoothed(self):
        spot = np.zeros((9, 9), np.float32)
        spot[4, 4] = 40

        (defect,) = judged("scratch", ["a.png"], [40], lambda _: spot)

        assert 10 < shared_ceiling([defect], "normal") < 30

    def test_is_at_least_a_spread(self):
        assert shared_ceiling(self.even("normal", [-4, -2]), "normal") == 1.0
        assert shared_ceiling([], "normal") == 1.0


class TestPanel:
    @pytest.mark.parametrize("size", [(16, 16), (900, 300), (200, 1000), (1, 3000)])
    def test_every_panel_is_of_one_size(self, size):
        panels = panel(np.zeros((*size, 3), np.uint8), heat_map(9), 5, None)

        assert panels.shape == (SIDE, 2 * SIDE + GAP, 3)

    def test_the_picture_is_on_the_left_and_its_heat_on_the_right(self):
        pixels = np.full((100, 100, 3), 90, np.uint8)

        shown = panel(pixels, heat_map(9), 5, None)

        assert (shown[:, :SIDE] == 90).all()
        assert (shown[:, SIDE : SIDE + GAP] == 255).all()
        assert (shown[SIDE // 2, SIDE + GAP + SIDE // 2] != 90).all()

    @pytest.mark.parametrize("place", [slice(40, 60), slice(50, 51)])
    def test_a_defect_is_outlined_even_where_it_is_smaller_than_a_pixel(self, place):
        pixels = np.full((2000, 2000, 3), 90, np.uint8)
        mask = np.zeros((2000, 2000), np.bool_)
        mask[place, place] = True

        changed = (panel(pixels, None, 5, mask) != panel(pixels, None, 5, None)).any(axis=2)

        rows, columns = np.nonzero(changed)
        np.testing.assert_allclose([rows.mean(), columns.mean() - SIDE - GAP], 50 * SIDE / 2000, atol=1)
