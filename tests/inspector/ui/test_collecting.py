import numpy as np
import pytest

from inspector.archive.reading import Reading
from inspector.errors import ConfigError
from inspector.inspection import Outcome
from inspector.labels.book import Labels
from inspector.labels.label import NORMAL, Anomaly
from inspector.labels.teacher import Teacher
from inspector.last_picture import PICTURE, WHOLE, LastPictures
from inspector.operator_page import AUDIT
from inspector.pictures import encode_png, read_picture
from inspector.records import RecordSettings
from inspector.ui.collecting import Collecting, Ended
from inspector.ui.history import History
from tests.broker import wait_until
from tests.inspector.ui.conftest import an_inspection

UNJUDGED = {"outcome": Outcome.ERROR, "reason": "no_model", "threshold": None, "bundle": None}


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr("inspector.ui.collecting.EVERY_S", 0.01)


class Press:
    """A station without a model, and the page that collects at it."""

    def __init__(self, folder, records):
        self.folder, self.last = folder, folder / "last"
        self.record = records.open("press-1", [])
        self.audit = RecordSettings(folder=folder / "ui").open(AUDIT, [])
        self.labels = Labels(folder / "ui")
        self.last.mkdir()
        self.collecting = Collecting(
            {"press-1": History(records.folder, "press-1")},
            {"press-1": LastPictures(self.last)},
            archive=folder / "archive",
            labels=self.labels,
            teacher=Teacher(self.audit, self.labels, folder / "archive"),
            min_difference=4.0,
        )

    def shows(self, grey, *, whole=True, **fields):
        """A part of one grey, as the station says it and leaves its last picture; its id."""
        said = self.record.append(an_inspection(**(UNJUDGED | fields)))
        if whole:
            (self.last / f"{said.id}{WHOLE}").write_bytes(encode_png(np.full((24, 32, 3), grey, np.uint8)))
        (self.last / f"{said.id}{PICTURE}").write_bytes(b"small")
        return said.id

    def labelled(self):
        return [(label.inspection, label.folder) for label in self.labels.read().lasting("press-1")]

    def good(self):
        return [label.inspection for label in self.labels.read().lasting("press-1") if label.folder == NORMAL]

    def collects(self, *ids):
        wait_until(lambda: self.good() == list(ids), f"{ids}; {self.collecting.last}")

    def is_over(self):
        wait_until(lambda: self.collecting.last.ended, "its end")
        return self.collecting.last


@pytest.fixture
def press(tmp_path, records):
    press = Press(tmp_path, records)
    yield press
    press.collecting.close()
    press.record.close()
    press.audit.close()


def test_what_comes_by_is_called_good_until_somebody_ends_it(press):
    press.shows(10)
    press.collecting.begin("press-1", "erna")
    assert press.collecting.is_busy
    first = press.shows(50)
    press.collects(first)
    second = press.shows(90)
    press.collects(first, second)
    press.collecting.stop()

    last = press.is_over()
    assert (last.kept, last.alike, last.by, last.ended) == (2, 0, "erna", Ended.BY_HAND)
    press.shows(130)
    assert press.good() == [first, second]
    assert press.labels.read().of(first).hold  # the archive's limits do not take it


def test_a_part_like_one_before_is_counted_alone_also_when_it_was_collected_before(press):
    press.collecting.begin("press-1", "erna")
    first = press.shows(50)
    press.collects(first)
    press.shows(51)
    wait_until(lambda: press.collecting.last.alike == 1, "one alike")
    press.collecting.stop()
    press.is_over()

    press.collecting.begin("press-1", "erna")
    press.shows(52)
    wait_until(lambda: press.collecting.last.alike == 1, "one alike again")
    assert press.good() == [first]


def test_only_parts_that_no_model_has_judged_and_that_have_a_picture_are_taken(press):
    press.collecting.begin("press-1", "erna")
    press.shows(50, whole=False)
    press.shows(90, reason="camera_lost")
    good = press.shows(130)

    press.collects(good)


def test_it_ends_where_a_model_judges(press):
    press.collecting.begin("press-1", "erna")
    press.shows(50, outcome=Outcome.PASS, reason=None, threshold=2.0, bundle="b" * 64)

    assert press.is_over().ended is Ended.MODEL
    assert press.good() == []


def test_it_ends_with_enough(press, monkeypatch):
    monkeypatch.setattr("inspector.ui.collecting.MOST", 1)
    press.collecting.begin("press-1", "erna")
    press.collects(press.shows(50))

    assert press.is_over().ended is Ended.ENOUGH


def test_it_ends_when_nobody_has_looked_for_an_hour(press, monkeypatch):
    monkeypatch.setattr("inspector.ui.collecting.LONGEST_S", 0)
    press.collecting.begin("press-1", "erna")

    assert press.is_over().ended is Ended.TIME


def test_a_picture_that_cannot_be_read_ends_it_and_is_said(press, monkeypatch):
    monkeypatch.setattr("tests.inspector.ui.test_collecting.encode_png", lambda _: b"no picture")
    press.collecting.begin("press-1", "erna")

    assert press.shows(50) in press.is_over().said


def test_an_archive_that_takes_nothing_ends_it_and_nothing_is_labelled(press):
    (press.folder / "archive").write_text("in the way")
    press.collecting.begin("press-1", "erna")
    press.shows(50)

    assert "archive" in press.is_over().said
    assert press.labelled() == []


def test_parts_with_a_known_defect_are_of_their_type(press):
    scratch = Anomaly(type="scratch", weight=3)
    press.collecting.begin("press-1", "erna")
    good = press.shows(50)
    press.collects(good)
    press.collecting.stop()
    press.is_over()

    press.collecting.begin("press-1", "erna", scratch)
    bad = press.shows(51)  # like the good one, but of another class
    wait_until(lambda: press.labelled() == [(good, "normal"), (bad, "scratch")], "both")
    assert press.labels.read().anomalies["press-1"]["scratch"] == scratch


def test_its_pictures_are_in_the_archive_as_the_camera_gave_them(press):
    press.collecting.begin("press-1", "erna")
    said = press.shows(50)
    press.collects(said)

    archive = Reading(press.folder / "archive")
    assert (read_picture(archive.picture(said)) == 50).all()
    assert archive.inspection(said).reason == "no_model"


def test_one_at_a_time(press):
    press.collecting.begin("press-1", "erna")

    with pytest.raises(ConfigError, match="collected already"):
        press.collecting.begin("press-1", "otto")
