import pytest

from tests.entries import STATION, open_record


@pytest.fixture
def record(tmp_path):
    opened = open_record(tmp_path, ("mqtt", "sparkplug"))
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"{STATION}.sqlite"
