"""Cameras that Linux itself drives, as sysfs shows them: nothing is opened for it."""

from pathlib import Path
from typing import Final

from inspector.cameras.industrial import Listed

SYSFS: Final = Path("/sys/class/video4linux")
BY_ID: Final = Path("/dev/v4l/by-id")


def connected(sysfs: Path = SYSFS, by_id: Path = BY_ID) -> list[Listed]:
    """The first node of each camera; further ones hold its metadata. ``address``: its most lasting device file."""
    nodes = sorted(sysfs.glob("video*"), key=lambda node: int(node.name.removeprefix("video")))
    names = {link.resolve().name: str(link) for link in sorted(by_id.glob("*"))}
    return [_listed(node, names.get(node.name, f"/dev/{node.name}")) for node in nodes if _said(node / "index") == "0"]


def _listed(node: Path, address: str) -> Listed:
    usb = (node / "device").resolve().parent  # the interface is the node's device, the camera what it belongs to
    return Listed(
        vendor=_said(usb / "manufacturer") or _said(usb / "idVendor"),
        model=_said(usb / "product") or _said(node / "name"),
        serial=_said(usb / "serial"),
        address=address,
    )


def _said(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
