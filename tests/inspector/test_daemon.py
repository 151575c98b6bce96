import threading

import pytest

from inspector.cameras.folder import Folder
from inspector.config import Config
from inspector.control import Control
from inspector.daemon import Daemon
from tests.broker import publish
from tests.parts import good_parts, write_parts


@pytest.fixture
def config(tmp_path, small_bundle, broker):
    write_parts(tmp_path / "pictures", good_parts(2))
    return Config.model_validate(
        {
            "metrics": {"port": 0},
            "sinks": [{"kind": "mqtt", "port": broker.port}],
            "stations": [
                {
                    "name": "press-1",
                    "bundle": small_bundle,
                    "camera": {"kind": "folder", "path": tmp_path / "pictures", "rate_hz": 50},
                }
            ],
        }
    )


def break_(*_):
    raise ZeroDivisionError("a bug")


def test_a_station_that_crashes_ends_the_process_with_1(config, monkeypatch, caplog):
    monkeypatch.setattr(Folder, "read", break_)

    assert Daemon(config).run() == 1
    assert "press-1 crashed; this is a bug" in caplog.text


def test_so_does_any_other_thread_and_the_hook_is_put_back(config, broker, monkeypatch, caplog):
    monkeypatch.setattr(Control, "command", break_)
    before = threading.excepthook
    daemon = Daemon(config)
    # Retained messages are ignored, so the command has to come when the daemon listens: it is repeated until it ends.
    done = threading.Event()

    def ask():
        while not done.is_set():
            publish(broker, "inspector/press-1/command", b"{}")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert daemon.run() == 1
    finally:
        done.set()
        asking.join(20)

    assert "ZeroDivisionError: a bug" in caplog.text
    assert threading.excepthook is before
