import pytest

from inspector.archive.holds import Holds, release
from inspector.archive.prune import prune
from inspector.archive.settings import ArchiveSettings
from inspector.errors import ArchiveError
from inspector.inspection import Outcome, utc_now
from inspector.labels.label import Anomaly, Says
from inspector.labels.teacher import Teacher
from tests.archived import id_at, put

LONG_AGO = {"days": -4000}


@pytest.fixture
def old(archive):
    """A picture whose time is over, and how a prune leaves it or not."""
    inspection = id_at(**LONG_AGO)
    (picture,) = put(archive, inspection, Outcome.FAIL, parts=("jpg",))
    limits = ArchiveSettings(folder=archive, min_free_bytes=0).limits

    def is_left():
        prune(archive, limits, now=utc_now())
        return picture.exists()

    return inspection, is_left


def test_a_labelled_picture_outlives_its_time_until_the_label_is_withdrawn(teacher, archive, old):
    inspection, is_left = old
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    (hold,) = Holds.read(archive).all
    assert (hold.reason, hold.by, hold.inspections) == ("label", "otto", (inspection,))
    assert is_left()

    teacher.withdraw(inspection, "press-1", "erna")

    assert Holds.read(archive).all[0].released.by == "erna"
    assert not is_left()


def test_a_changed_label_goes_by_the_hold_of_the_first(teacher, archive, old):
    inspection, _ = old
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    teacher.label(inspection, "press-1", "otto", Says.TRUE_REJECT, Anomaly(type="dent"))

    assert len(Holds.read(archive).all) == 1


def test_a_hold_that_a_person_has_released_is_no_trouble(teacher, labels, archive, old):
    inspection, _ = old
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    release(archive, labels.read().of(inspection).hold, reason="by hand", by="anna")

    teacher.withdraw(inspection, "press-1", "otto")

    assert labels.read().of(inspection) is None


def test_a_part_without_a_picture_can_be_labelled(teacher, labels, archive, an_id):
    teacher.label(an_id, "press-1", "otto", Says.MISSED, Anomaly(type="dent"))

    assert labels.read().of(an_id).hold is None
    assert Holds.read(archive).all == ()


def test_so_can_one_where_no_pictures_are_kept(record, labels, an_id):
    Teacher(record, labels, None).label(an_id, "press-1", "otto", Says.FALSE_REJECT)

    assert labels.read().of(an_id).hold is None


def test_where_the_picture_cannot_be_held_nothing_is_said(teacher, labels, archive, old):
    inspection, _ = old
    (archive / ".holds").write_text("in the way")

    with pytest.raises(ArchiveError, match=r"\.holds"):
        teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    assert labels.read().of(inspection) is None


def test_to_withdraw_nothing_writes_nothing(teacher, record, an_id):
    teacher.withdraw(an_id, "press-1", "otto")

    assert record.notes("label") == []
