import pytest
from ulid import ULID

from inspector.labels.book import Labels
from inspector.labels.teacher import Teacher
from inspector.operator_page import AUDIT
from inspector.records import RecordSettings


@pytest.fixture
def page(tmp_path):
    """The folder of the operator's page."""
    return tmp_path / "ui"


@pytest.fixture
def archive(tmp_path):
    """That of the archive, empty."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def labels(page):
    return Labels(page)


@pytest.fixture
def record(page):
    record = RecordSettings(folder=page).open(AUDIT, [])
    yield record
    record.close()


@pytest.fixture
def teacher(record, labels, archive):
    return Teacher(record, labels, archive)


@pytest.fixture
def an_id():
    return str(ULID())
