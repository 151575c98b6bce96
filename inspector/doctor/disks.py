"""Whether there is room and permission where the line writes."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inspector.config import Config
from inspector.doctor.findings import Finding, Subject, bad, good, unclear

LEAST_FREE: Final = 0.05
"""Share of the disk; Prometheus' alert InspectorDiskNearlyFull comes at the same."""

STATE: Final = Path("/var/lib/inspector")
"""systemd gives it to the user that the daemon runs as."""

OVER_A_NETWORK: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}

GB: Final = 1e9


def look_at_disks(subject: Subject) -> Iterator[Finding]:
    """Up to two findings for each folder that is written."""
    for name, folder in folders_of(subject.config).items():
        there = next(each for each in (folder, *folder.parents) if each.exists())
        yield _room(f"{name}: room", there)
        yield _permission(f"{name}: {folder}", folder, there)
        if name == "record" and (kind := _file_system(there)) in OVER_A_NETWORK:
            yield bad(f"{name}: disk", f"{folder} is on {kind}, over a network", "name a folder on a local disk")


def folders_of(config: Config) -> dict[str, Path]:
    """What the daemon writes into, by the section of the configuration that names it."""
    sections = {"record": config.record, "archive": config.archive, "models": config.models}
    return {name: section.folder for name, section in sections.items() if section}


def _room(about: str, folder: Path) -> Finding:
    disk = shutil.disk_usage(folder)
    says = f"{disk.free / GB:.1f} of {disk.total / GB:.1f} GB are free"
    if disk.free < LEAST_FREE * disk.total:
        return bad(about, says, "make room, or keep less: keep_days, keep_rows and the archive's limits")
    return good(about, says)


def _permission(about: str, folder: Path, there: Path) -> Finding:
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return bad(about, "the disk is mounted read-only", "see dmesg: it may be failing; mount it writable again")
    owner = _daemon()
    if owner is None:
        return unclear(about, "only the daemon's own user can tell whether it may write there")
    others = [path for path in (there, *_inside(folder)) if not _may_write(path, owner)]
    if others:
        advice = f"chown --recursive --reference={STATE} {folder}" if owner != os.geteuid() else f"make {folder} yours"
        return bad(about, f"{others[0]} belongs to somebody else", advice)
    return good(about, "may be written" if folder.exists() else "is not there yet, and can be made")


def _daemon() -> int | None:
    """The user that the daemon runs as: for root, whoever has systemd's state directory."""
    if os.geteuid():
        return os.geteuid()
    return STATE.stat().st_uid if STATE.exists() else None


def _inside(folder: Path) -> list[Path]:
    """Files of the record, or each station's folder in the archive; not every picture of a year."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _may_write(path: Path, user: int) -> bool:
    return os.access(path, os.W_OK) if user == os.geteuid() else path.stat().st_uid == user


def _file_system(path: Path) -> str:
    """The kind of the one that holds the path: of all that are mounted above it, the deepest."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(len(where), kind) for _, where, kind, *_ in mounts if path.resolve().is_relative_to(where)]
    return max(above)[1] if above else ""
