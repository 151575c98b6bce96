import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes

from inspector.inspection import Outcome
from tests.parts import good_parts, scratched_parts, write_parts
from training.evaluate import Scored, known
from training.report import draw_histogram, draw_mistakes, draw_roc

THRESHOLD = 2.0


def judged(label, files, scores):
    return [
        Scored(file, label, float(score), Outcome.FAIL if score > THRESHOLD else Outcome.PASS, None)
        for file, score in zip(files, scores, strict=True)
    ]


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Forty good parts and two defect types, some of each on the wrong side of the threshold."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    normal = write_parts(folder / "normal", good_parts(40))
    scratch = write_parts(folder / "scratch", scratched_parts(10))
    dent = write_parts(folder / "dent", 255 - good_parts(10))
    return [
        *judged("normal", normal, rng.normal(0, 1.2, 40)),
        *judged("scratch", scratch, rng.normal(4, 1.5, 10)),
        *judged("dent", dent, rng.normal(9, 3, 10)),
    ]


DRAWINGS = {
    "histogram": lambda scored, path: draw_histogram(scored, "normal", THRESHOLD, path),
    "roc": lambda scored, path: draw_roc({"plates": (scored, "normal")}, path),
    "mistakes": lambda scored, path: draw_mistakes(scored, "normal", THRESHOLD, path),
}


def drawn(name, scored, folder: Path):
    """The picture, drawn without a word of complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DRAWINGS[name](scored, folder / "drawn.png")
    return cv2.imread(str(folder / "drawn.png"))


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_a_picture_that_is_not_empty(name, scored, tmp_path):
    picture = drawn(name, scored, tmp_path)

    assert min(picture.shape[:2]) > 300
    assert picture.std() > 5


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("labels", [{"normal"}, {"scratch", "dent"}])
def test_a_set_of_one_kind_is_drawn_as_well(name, scored, labels, tmp_path):
    assert drawn(name, [each for each in scored if each.label in labels], tmp_path).std() > 1


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_wrong_is_drawn_as_well(name, scored, tmp_path):
    right = [each for each in scored if (each.outcome is Outcome.PASS) == (each.label == "normal")]

    assert drawn(name, right, tmp_path).std() > 1


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_that_could_not_be_scored_does_not_spoil_the_scale(name, scored, tmp_path):
    error = Scored(scored[0].file, "dent", known(None), Outcome.ERROR, None)

    with_error = drawn(name, [*scored, *(10 * [error])], tmp_path)

    assert (with_error != drawn(name, [*scored, scored[-1]], tmp_path)).mean() < 0.2


def test_every_score_is_in_the_histogram(scored, tmp_path, monkeypatch):
    counts, draw = [], Axes.hist

    def counted(axes, values, bins, **style):
        counts.append(np.histogram(values, bins)[0].sum())
        return draw(axes, values, bins, **style)

    monkeypatch.setattr(Axes, "hist", counted)

    DRAWINGS["histogram"](scored, tmp_path / "drawn.png")

    assert sum(counts) == len(scored)


def test_many_types_have_a_colour_each(scored, tmp_path):
    files = [scored[0].file]
    many = [each for i in range(12) for each in judged(f"type {i:02}", files, [3 + i])]

    assert drawn("histogram", [*scored, *many], tmp_path).std() > 5
