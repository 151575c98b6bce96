"""What the daemon tells systemd: sd_notify(3) and sd_watchdog_enabled(3), in a datagram each."""

import logging
import os
import socket
import time
from typing import Final

log = logging.getLogger(__name__)

SEND_TIMEOUT_S: Final = 1.0
"""A service manager that does not read must not hold the daemon up."""


def notify(state: str) -> None:
    """Send ``state`` (lines of ``NAME=value``) to the service manager; without one, do nothing.

    What cannot be sent is logged: inspection does not depend on it, and a missed watchdog speaks for itself.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the NUL byte of the abstract namespace.
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(SEND_TIMEOUT_S)
            manager.sendto(state.encode(), address)
    except OSError as error:
        log.warning("cannot tell systemd %s: %s; is NOTIFY_SOCKET its socket?", state, error)


def ready(text: str) -> None:
    """Start-up, or a reload, is finished; ``text`` as in ``status``."""
    notify(f"READY=1\n{_status_line(text)}")


def reloading() -> None:
    """The configuration is read again; ``ready`` ends it. The time is what ``Type=notify-reload`` asks for."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def status(text: str) -> None:
    """One line for ``systemctl status``."""
    notify(_status_line(text))


def watchdog() -> None:
    """All is well; without this for ``WatchdogSec=`` the service is killed and started again."""
    notify("WATCHDOG=1")


def stopping() -> None:
    """Shutting down has begun."""
    notify("STOPPING=1")


def watchdog_interval_s() -> float | None:
    """How often to call ``watchdog``: half the time that systemd allows, or None when it does not ask."""
    limit_us = os.environ.get("WATCHDOG_USEC")
    meant_for = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not limit_us or meant_for != str(os.getpid()):
        return None
    if not limit_us.isdecimal() or int(limit_us) == 0:
        log.warning(
            "WATCHDOG_USEC is %r, no number of microseconds: nothing will tell systemd that all is well", limit_us
        )
        return None
    return int(limit_us) / 1e6 / 2


def _status_line(text: str) -> str:
    # A line break would begin another variable.
    return "STATUS=" + " ".join(text.splitlines())
