import os
import socket

import pytest

from inspector import sdnotify


@pytest.fixture(params=["{folder}/notify", "@inspector-test-{pid}"])
def manager(request, tmp_path, monkeypatch):
    """The service manager's socket, a path or an abstract name."""
    address = request.param.format(folder=tmp_path, pid=os.getpid())
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0"))
        receiver.settimeout(5)
        yield receiver


@pytest.mark.parametrize(
    ("say", "datagram"),
    [
        (lambda: sdnotify.ready("2 stations"), b"READY=1\nSTATUS=2 stations"),
        (lambda: sdnotify.status("judging"), b"STATUS=judging"),
        (sdnotify.watchdog, b"WATCHDOG=1"),
        (sdnotify.stopping, b"STOPPING=1"),
    ],
)
def test_each_word_is_one_datagram(manager, say, datagram):
    say()

    assert manager.recv(1000) == datagram


def test_a_status_cannot_smuggle_in_another_word(manager):
    sdnotify.status("lost camera\nWATCHDOG=trigger")

    assert manager.recv(1000) == b"STATUS=lost camera WATCHDOG=trigger"


def test_a_manager_that_is_gone_does_not_stop_the_daemon(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))

    sdnotify.watchdog()

    assert "cannot tell systemd WATCHDOG=1" in caplog.text


@pytest.mark.parametrize("usec", ["soon", "0", "-1"])
def test_a_watchdog_time_that_is_none_is_said(monkeypatch, caplog, usec):
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)

    assert sdnotify.watchdog_interval_s() is None
    assert "WATCHDOG_USEC" in caplog.text


def test_without_a_manager_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    sdnotify.watchdog()


def test_the_watchdog_wants_a_sign_at_half_its_time(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))

    assert sdnotify.watchdog_interval_s() == 15


@pytest.mark.parametrize(("usec", "pid"), [("", ""), ("30000000", "1")])
def test_no_watchdog_or_one_for_another_process(monkeypatch, usec, pid):
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid or str(os.getpid()))

    assert sdnotify.watchdog_interval_s() is None
