"""What the daemon tells systemd: sd_notify(3) and sd_watchdog_enabled(3), in a datagram each."""

import os
import socket


def notify(state: str) -> None:
    """Send ``state`` (lines of ``NAME=value``) to the service manager; without one, do nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the NUL byte of the abstract namespace.
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), address)


def ready(status: str) -> None:
    """Start-up is finished."""
    notify(f"READY=1\nSTATUS={status}")


def status(text: str) -> None:
    """One line for ``systemctl status``."""
    notify(f"STATUS={text}")


def watchdog() -> None:
    """All is well; without this for ``WatchdogSec=`` the service is killed and started again."""
    notify("WATCHDOG=1")


def stopping() -> None:
    """Shutting down has begun."""
    notify("STOPPING=1")


def watchdog_interval_s() -> float | None:
    """How often to call ``watchdog``: half the time that systemd allows, or None when it does not ask."""
    limit_us = os.environ.get("WATCHDOG_USEC")
    meant_for = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not limit_us or meant_for != str(os.getpid()):
        return None
    return int(limit_us) / 1e6 / 2
