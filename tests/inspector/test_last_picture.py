import numpy as np
import pytest

from inspector.bundle import read_bundle
from inspector.inspection import Frame, utc_now
from inspector.judge import Judge
from inspector.last_picture import HEAT_MAP, KEPT, LONGEST_SIDE, PICTURE, WHOLE, LastPicture, LastPictures
from inspector.pictures import read_picture
from tests.broker import wait_until
from tests.parts import good_parts


@pytest.fixture(scope="module")
def judge(small_bundle):
    return Judge("press-1", read_bundle(small_bundle), max_latency_ms=1e9)


@pytest.fixture
def witness(tmp_path):
    witness = LastPicture("press-1", tmp_path / "press-1")
    yield witness
    witness.close()


@pytest.fixture
def pictures(tmp_path):
    return LastPictures(tmp_path / "press-1")


def evidence_of(judge, pixels):
    return judge.inspect(Frame(pixels, 0.0, utc_now(), 0, "camera"))


def test_the_picture_and_its_heat_map_are_there_under_the_inspections_id(witness, pictures, judge):
    evidence = evidence_of(judge, good_parts(1)[0])

    witness.see(evidence)

    wait_until(lambda: pictures.newest() == evidence.inspection.id, "the picture")
    shown = read_picture(pictures.file(evidence.inspection.id, PICTURE))
    assert np.abs(shown.astype(int) - evidence.frame.pixels).mean() < 10
    assert read_picture(pictures.file(evidence.inspection.id, HEAT_MAP)).shape == shown.shape


def test_of_many_the_newest_is_shown_and_the_oldest_are_gone(witness, pictures, judge, tmp_path, monkeypatch):
    monkeypatch.setattr("inspector.last_picture.EVERY_S", 0)
    seen = []
    for part in good_parts(KEPT + 2):
        evidence = evidence_of(judge, part)
        witness.see(evidence)
        seen.append(evidence.inspection.id)
        wait_until(lambda: pictures.newest() == seen[-1], "the picture")

    witness.close()
    names = {path.name for path in (tmp_path / "press-1").iterdir()}
    assert names == {f"{each}{ending}" for each in seen[-KEPT:] for ending in (PICTURE, HEAT_MAP)}


def test_of_a_burst_only_the_newest_has_to_be_shown(witness, pictures, judge):
    evidence = [evidence_of(judge, part) for part in good_parts(20)]
    for each in evidence:
        witness.see(each)

    wait_until(lambda: pictures.newest() == evidence[-1].inspection.id, "the last picture")


def test_a_large_picture_is_made_small_and_keeps_its_shape(witness, pictures, judge):
    evidence = evidence_of(judge, np.zeros((1200, 1600, 3), np.uint8))

    witness.see(evidence)

    wait_until(lambda: pictures.newest() == evidence.inspection.id, "the picture")
    shape = read_picture(pictures.file(evidence.inspection.id, PICTURE)).shape
    assert shape == (LONGEST_SIDE * 3 // 4, LONGEST_SIDE, 3)


def test_a_folder_that_cannot_be_written_is_said_once_and_waited_for(pictures, judge, tmp_path, caplog):
    (tmp_path / "press-1").touch()
    witness = LastPicture("press-1", tmp_path / "press-1")
    for part in good_parts(3):
        witness.see(evidence_of(judge, part))
        wait_until(lambda: "cannot be shown" in caplog.text, "the warning")
    assert caplog.text.count("cannot be shown") == 1

    (tmp_path / "press-1").unlink()
    evidence = evidence_of(judge, good_parts(1)[0])
    witness.see(evidence)

    wait_until(lambda: pictures.newest() == evidence.inspection.id, "the picture")
    witness.close()


def test_no_path_is_made_of_what_is_no_newest_inspection(witness, pictures, judge):
    assert pictures.newest() is None
    assert pictures.file("../../etc/passwd", PICTURE) is None
    evidence = evidence_of(judge, good_parts(1)[0])
    witness.see(evidence)
    wait_until(pictures.newest, "the picture")

    assert pictures.file("01ARZ3NDEKTSV4RRFFQ69G5FAV", PICTURE) is None


def test_where_no_model_judges_the_whole_picture_is_there_too(witness, pictures):
    wide = np.repeat(good_parts(1)[0], 2 * LONGEST_SIDE // 16, axis=1)
    evidence = evidence_of(Judge("press-1", None, max_latency_ms=1e9), wide)

    witness.see(evidence)

    wait_until(lambda: pictures.newest() == evidence.inspection.id, "the picture")
    assert np.array_equal(read_picture(pictures.file(evidence.inspection.id, WHOLE)), wide)
