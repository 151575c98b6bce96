import shutil
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from inspector.archive.holds import locked, place
from inspector.archive.janitor import Janitor
from inspector.archive.prune import Limits, prune
from inspector.inspection import utc_now
from tests.archived import id_at, names, put
from tests.broker import wait_until
from tests.entries import STATION

BLOCK = 4096
NOW = utc_now()


def janitor(folder, **limits):
    return Janitor(
        folder, Limits(**({"pass_days": 10, "reject_days": 10, "max_bytes": None, "min_free_bytes": 0} | limits))
    )


@pytest.fixture
def clock(monkeypatch):
    """Its time is put forward by hand."""
    now = SimpleNamespace(s=1000.0)
    monkeypatch.setattr("inspector.archive.janitor.time", SimpleNamespace(monotonic=lambda: now.s))
    return now


def test_it_prunes_at_once_and_then_every_ten_minutes(tmp_path, clock):
    put(tmp_path, id_at(NOW, days=-11))
    keeper = janitor(tmp_path)
    keeper.tend()
    assert names(tmp_path) == []

    put(tmp_path, id_at(NOW, days=-11))
    clock.s += 599
    keeper.tend()
    assert len(names(tmp_path)) == 2
    clock.s += 1
    keeper.tend()
    assert names(tmp_path) == []


def test_where_space_is_short_it_does_not_wait_so_long_and_makes_some_more(tmp_path, clock, monkeypatch):
    free = SimpleNamespace(free=100 * BLOCK)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    for number in range(30):
        put(tmp_path, id_at(NOW, seconds=-number), parts=("jpg",))
    limits = Limits(pass_days=10, reject_days=10, max_bytes=None, min_free_bytes=50 * BLOCK)
    keeper = Janitor(tmp_path, limits, lambda folder, few, now: prune(folder, few, now=now))
    keeper.tend()
    assert len(names(tmp_path)) == 30

    free.free = 40 * BLOCK
    clock.s += 60
    keeper.tend()

    assert len(names(tmp_path)) == 15


def test_what_it_deleted_and_what_is_left_can_be_seen(tmp_path):
    before = REGISTRY.get_sample_value("inspector_archive_pruned_total", {"outcome": "PASS"}) or 0
    put(tmp_path, id_at(NOW, days=-11))
    put(tmp_path, id_at(NOW))

    janitor(tmp_path).tend()

    assert REGISTRY.get_sample_value("inspector_archive_pruned_total", {"outcome": "PASS"}) == before + 1
    assert REGISTRY.get_sample_value("inspector_archive_bytes", {"station": STATION}) == 2 * BLOCK


def test_limits_that_cannot_be_kept_are_said_once(tmp_path, clock, caplog):
    put(tmp_path, id_at(NOW))
    place(tmp_path, since=NOW - timedelta(days=1), reason="recall", by="anna")
    keeper = janitor(tmp_path, max_bytes=1)
    for _ in range(3):
        keeper.tend()
        clock.s += 600

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "bytes are held" in caplog.text


def test_holds_that_cannot_be_read_are_said_and_the_line_goes_on(tmp_path, caplog):
    put(tmp_path, id_at(NOW, days=-11))
    (tmp_path / ".holds").touch()

    janitor(tmp_path).tend()

    assert "nothing is deleted" in caplog.text
    assert len(names(tmp_path)) == 3


def test_it_leaves_the_work_to_another_that_is_at_it(tmp_path):
    put(tmp_path, id_at(NOW, days=-11))
    with locked(tmp_path):
        janitor(tmp_path).tend()
    assert len(names(tmp_path)) == 2


def test_before_the_first_picture_there_is_nothing_to_do(tmp_path, caplog):
    janitor(tmp_path / "not-yet").tend()

    assert not caplog.records


def test_it_works_until_it_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("inspector.archive.janitor.LOOK_S", 0.01)
    put(tmp_path, id_at(NOW, days=-11))
    stop = Event()
    thread = Thread(target=janitor(tmp_path).run, args=(stop,))
    thread.start()
    wait_until(lambda: not names(tmp_path), "the prune")
    stop.set()
    thread.join(20)

    assert not thread.is_alive()
