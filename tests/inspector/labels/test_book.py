import pytest

from inspector.errors import ConfigError
from inspector.labels.book import Labels
from inspector.labels.label import Anomaly, Says
from inspector.operator_page import AUDIT
from inspector.records.schema import file_of
from inspector.records.verify import verify

SCRATCH = Anomaly(type="scratch")


def test_before_anybody_has_said_anything_there_is_nothing(labels):
    assert labels.read().lasting() == []


def test_the_last_label_of_a_part_counts_and_those_before_stay_in_the_chain(teacher, labels, record, page, an_id):
    teacher.label(an_id, "press-1", "otto", Says.TRUE_REJECT, SCRATCH)
    teacher.label(an_id, "press-1", "erna", Says.FALSE_REJECT)

    (label,) = labels.read().lasting()
    assert (label.says, label.by, label.anomaly) == (Says.FALSE_REJECT, "erna", None)
    assert [each["says"] for each in record.notes("label")] == ["false_reject", "true_reject"]
    report = verify(file_of(page, AUDIT))
    assert (report.rows, report.broken) == (2, None)


def test_what_is_withdrawn_does_not_count(teacher, labels, an_id):
    teacher.label(an_id, "press-1", "otto", Says.FALSE_REJECT)
    assert labels.read().of(an_id)

    teacher.withdraw(an_id, "press-1", "otto")

    assert labels.read().of(an_id) is None
    assert labels.read().lasting() == []


def test_another_process_reads_the_same(teacher, page, an_id):
    teacher.label(an_id, "press-1", "otto", Says.TRUE_REJECT, SCRATCH)

    assert Labels(page).read().of(an_id).anomaly == SCRATCH


def test_labels_are_of_their_station_and_in_the_order_of_the_parts(teacher, labels):
    for inspection, station in (("02", "press-1"), ("03", "press-2"), ("01", "press-1")):
        teacher.label(inspection, station, "otto", Says.FALSE_REJECT)

    assert [each.inspection for each in labels.read().lasting("press-1")] == ["01", "02"]


def test_a_type_weighs_what_was_said_last_of_it(teacher, labels):
    for inspection, weight in (("01", 1.0), ("02", 5.0)):
        teacher.label(inspection, "press-1", "erna", Says.TRUE_REJECT, Anomaly(type="dent", weight=weight))
    teacher.withdraw("02", "press-1", "erna")

    assert labels.read().anomalies["press-1"]["dent"].weight == 5


def test_a_file_that_is_no_record_is_said(labels, page):
    page.mkdir()
    file_of(page, AUDIT).write_text("nothing of the kind" * 100)

    with pytest.raises(ConfigError, match="operator-page"):
        labels.read()
