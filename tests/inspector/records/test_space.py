import shutil

from prometheus_client import REGISTRY

from inspector.records.space import Space
from tests.broker import wait_until
from tests.entries import STATION, open_record


def shown(what):
    return REGISTRY.get_sample_value(f"inspector_record_disk_{what}_bytes", {"station": STATION})


def test_an_open_record_shows_the_room_on_its_disk(tmp_path):
    record = open_record(tmp_path)
    try:
        wait_until(lambda: shown("size") == shutil.disk_usage(tmp_path).total, "the size of the disk")
        assert 0 < shown("free") <= shown("size")
    finally:
        record.close()


def test_a_folder_that_is_gone_is_said_by_others(tmp_path):
    space = Space(tmp_path / "gone", "nowhere")

    space.show()

    assert REGISTRY.get_sample_value("inspector_record_disk_free_bytes", {"station": "nowhere"}) == 0
