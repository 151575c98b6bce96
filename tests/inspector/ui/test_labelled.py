import pytest

from inspector.inspection import Outcome, utc_now
from inspector.labels.book import Book
from inspector.labels.label import Label, Says
from inspector.records.filter import Filter
from inspector.ui.history import History
from inspector.ui.labelled import labelled, unlabelled
from tests.inspector.ui.conftest import an_inspection


@pytest.fixture
def said(records):
    """Ten parts, every other one a reject."""
    record = records.open("press-1", [])
    yield [record.append(an_inspection(Outcome.FAIL if number % 2 else Outcome.PASS)) for number in range(10)]
    record.close()


@pytest.fixture
def history(records):
    return History(records.folder, "press-1")


def book(*inspections, says=Says.TRUE_REJECT):
    return Book().plus(
        Label(inspection=each.id, station="press-1", says=says, by="otto", at=utc_now()) for each in inspections
    )


def ids(parts):
    return [part.inspection.id for part in parts]


def test_labelled_parts_come_newest_first_and_go_on_below(history, said):
    known = book(said[1], said[7], said[4])

    first = labelled(history, known, Filter(), 2)
    assert ids(first) == [said[7].id, said[4].id]
    assert ids(labelled(history, known, Filter(below=first[-1].number), 2)) == [said[1].id]


def test_they_can_be_narrowed_further(history, said):
    assert labelled(history, book(said[1]), Filter(part_id="another"), 2) == []


def test_what_is_left_to_do_are_rejects_without_a_label(history, said):
    left = unlabelled(history, book(said[9], said[7], said[2]), Filter(), 2)

    assert ids(left) == [said[5].id, said[3].id]
    assert ids(unlabelled(history, book(*said), Filter(), 2)) == []


def test_a_withdrawn_label_is_none(history, said):
    assert ids(unlabelled(history, book(said[9], says=None), Filter(), 1)) == [said[9].id]
    assert labelled(history, book(said[9], says=None), Filter(), 1) == []
