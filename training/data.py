"""Finding and checking the pictures of a set, and splitting them."""

import difflib
import hashlib
import logging
import math
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import numpy as np

from inspector.errors import DataError, FrameError
from inspector.inspection import Pixels
from inspector.pictures import SUFFIXES, read_picture
from training.config import DataSettings

LEFT_OUT: Final = ("_", ".")
"""Folders whose names begin so hold no class: masks, and what tools hide."""

SYSTEM_FILES: Final = frozenset({"Thumbs.db", "desktop.ini"})
"""Hidden files whose names do not begin with a dot."""

LABELLED_NORMAL: Final = "normal"
"""The class of good parts in what ``inspector labels export`` writes."""

Key = TypeVar("Key")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The files of a set, each of them readable, sorted within its class."""

    normal: tuple[Path, ...]
    anomalies: dict[str, tuple[Path, ...]]
    """By anomaly type."""
    auxiliary: dict[str, tuple[Path, ...]]
    """By class of the auxiliary set."""
    labelled_normal: tuple[Path, ...] = ()
    """Of the line, called good by people: for training alone."""


def scan(settings: DataSettings, on_file: Callable[[Path], None] | None = None) -> Pictures:
    """All pictures of the set, each decoded once to know that it can be used.

    Folders below a class folder belong to its class. Folders that begin with ``_`` (masks) or ``.`` are left out, and
    so are hidden files and files beside the class folders. ``on_file`` is told of each file once it was read.

    Raises DataError with every mistake in the folders, or else with every file that is no picture, cannot be read, or
    shows the very pixels of a file of another class. The same picture twice in one class is only logged.
    """
    types = _class_folders(settings.root)
    auxiliary = _class_folders(settings.auxiliary) if settings.auxiliary else {}
    if settings.auxiliary:
        types = {name: folder for name, folder in types.items() if not _holds(folder, settings.auxiliary)}
    files = {folder: tuple(sorted(_files(folder))) for folder in (*types.values(), *auxiliary.values())}
    labelled = _labelled(settings)
    more = {types.get(name, settings.root / name): own for name, own in labelled.items()}
    _check_folders(settings, {*types, *(labelled.keys() - {settings.normal})}, auxiliary, files)
    copies = _check_files(_joined(files, more), on_file)
    by_type = {name: files[folder] for name, folder in types.items()}
    new = {name: tuple(path for path in own if path not in copies) for name, own in labelled.items()}
    return Pictures(
        normal=by_type.pop(settings.normal),
        labelled_normal=new.pop(settings.normal, ()),
        anomalies=_joined(by_type, {name: own for name, own in new.items() if own}),
        auxiliary={name: files[folder] for name, folder in auxiliary.items()},
    )


def _labelled(settings: DataSettings) -> dict[str, tuple[Path, ...]]:
    """What people have labelled, by class; normals by the name that the set has for them."""
    if not settings.labelled:
        return {}
    found = {name: tuple(sorted(_files(folder))) for name, folder in _class_folders(settings.labelled).items()}
    return {settings.normal if name == LABELLED_NORMAL else name: own for name, own in found.items() if own}


def _joined(some: Mapping[Key, tuple[Path, ...]], more: Mapping[Key, tuple[Path, ...]]) -> dict[Key, tuple[Path, ...]]:
    return {each: (*some.get(each, ()), *more.get(each, ())) for each in dict.fromkeys((*some, *more))}


def scan_normals(folder: Path, on_file: Callable[[Path], None] | None = None) -> tuple[Path, ...]:
    """All pictures of a folder of held-out normals and of the folders below it, sorted; what is left out is as above.

    Raises DataError where there is none, with every file that is no picture or cannot be read, and with every picture
    that is there twice, also turned by quarters or mirrored: such copies would count as parts that nobody has seen.
    """
    files = tuple(sorted(_files(folder)))
    if not files:
        raise DataError(f"{folder}: no pictures; name a folder of normal pictures that training has not seen")
    check_independent(files, on_file)
    return files


def check_independent(files: Sequence[Path], on_file: Callable[[Path], None] | None = None) -> None:
    """Raise DataError with every file that is no picture, and every one that is there twice, turned or mirrored too."""
    faults: dict[str, list[str]] = defaultdict(list)
    first_seen: dict[str, Path] = {}
    with ThreadPoolExecutor() as pool:
        for path, (digest, fault) in zip(files, pool.map(_examine_turned, files), strict=True):
            if on_file:
                on_file(path)
            if fault:
                faults[fault].append(str(path))
            elif (twin := first_seen.setdefault(digest, path)) != path:
                faults["the same picture again, as it is, turned or mirrored: keep one"].append(f"{path} = {twin}")
    if faults:
        raise DataError(_report(faults, "to calibrate; remove or replace them"))


def group_of_each(paths: Sequence[Path], pattern: str | None, *, key: str = "data.group_pattern") -> list[int] | None:
    """The number of the group of each picture, as the first group of the pattern names it; None without a pattern.

    Raises DataError for a pattern that is none or does not match a file name, naming the ``key`` it comes from.
    """
    if pattern is None:
        return None
    by_name = _by_relative_name(paths)
    parts = _parts(by_name, pattern, key)
    number = {by_name[name]: i for i, names in enumerate(parts.values()) for name in names}
    return [number[path] for path in paths]


def split_groups(
    paths: Iterable[Path], share: float, seed: int, group_pattern: str | None = None
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Kept and held-out pictures, at random, with all pictures of one part on one side; both sorted by name.

    The part is the first group of ``group_pattern``, searched in the file name; without a pattern each file is a part.
    The held-out share is as near to ``share``, in (0, 1), as whole parts allow, and each side has a part. The answer
    follows from the seed and the names below the files' common folder, not from the order of the paths or the place
    of that folder.

    Raises DataError for a pattern that is none or does not match a file name, and for fewer than two parts.
    """
    by_name = _by_relative_name(paths)
    parts = list(_parts(by_name, group_pattern).values())
    if len(parts) < 2:
        raise DataError(
            f"{len(by_name)} picture(s) of {len(parts)} part(s) cannot be split in two: add pictures of other parts"
            + (f", or correct data.group_pattern {group_pattern!r}" if group_pattern else "")
        )
    shuffled = [parts[place] for place in np.random.default_rng(seed).permutation(len(parts))]
    chosen = _nearest_subset([len(part) for part in shuffled], share * len(by_name))
    held_out = {name for place in chosen for name in shuffled[place]}
    return (
        tuple(path for name, path in by_name.items() if name not in held_out),
        tuple(path for name, path in by_name.items() if name in held_out),
    )


def parts_of(paths: Iterable[Path], group_pattern: str | None = None) -> dict[str, list[Path]]:
    """The pictures of each part, sorted by name.

    The part is the first group of ``group_pattern``, searched in the file name; without a pattern each file is a part,
    named by its path below the folder that all have in common. Raises DataError for a pattern that is none or does not
    match a file name.
    """
    by_name = _by_relative_name(paths)
    return {part: [by_name[name] for name in names] for part, names in _parts(by_name, group_pattern).items()}


def examine(path: Path) -> tuple[str, str]:
    """The digest of the picture's pixels and no fault, or no digest and what is wrong with the file."""
    pixels, fault = _read(path)
    return (_digest(pixels), "") if pixels is not None else ("", fault)


def _class_folders(root: Path) -> dict[str, Path]:
    _, names, _ = next(os.walk(root, onerror=_cannot_list))
    return {name: root / name for name in sorted(names) if not name.startswith(LEFT_OUT)}


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_cannot_list):
        folders[:] = [name for name in folders if not name.startswith(LEFT_OUT)]
        yield from (Path(parent, name) for name in names if not name.startswith(".") and name not in SYSTEM_FILES)


def _cannot_list(error: OSError) -> NoReturn:
    raise DataError(
        f"{error.filename}: cannot list this folder ({error.strerror}). "
        "Correct data.root or data.auxiliary, or the folder's permissions."
    ) from error


def _holds(folder: Path, inner: Path) -> bool:
    return inner.resolve().is_relative_to(folder.resolve())


def _check_folders(
    settings: DataSettings,
    types: AbstractSet[str],
    auxiliary: Mapping[str, Path],
    files: Mapping[Path, Sequence[Path]],
) -> None:
    mistakes = []
    if settings.normal not in types:
        mistakes.append(f"data.normal: {_no_folder(settings.normal, types)}")
    if settings.normal in settings.anomalies:
        mistakes.append(f"data.anomalies.{settings.normal}: this is the normal class, not an anomaly type")
    mistakes += [
        f"data.anomalies.{name}: {_no_folder(name, types - {settings.normal})}"
        for name in sorted(settings.anomalies.keys() - types - {settings.normal})
    ]
    if settings.auxiliary and _holds(settings.auxiliary, settings.root):
        mistakes.append(f"data.auxiliary: {settings.auxiliary} holds data.root, and would take its classes for its own")
    if settings.auxiliary and not auxiliary:
        mistakes.append(f"data.auxiliary: {settings.auxiliary} has no class folders")
    mistakes += [f"{folder}: no pictures; add some or remove the folder" for folder in files if not files[folder]]
    if mistakes:
        raise DataError("\n  ".join([f"The folders below {settings.root} do not fit the configuration:", *mistakes]))


def _no_folder(name: str, folders: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, folders, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(folders)) or 'none'}"
    return f"no folder {name!r}; {hint}"


def _check_files(files: Mapping[Path, Sequence[Path]], on_file: Callable[[Path], None] | None) -> set[Path]:
    """The files that show the pixels of one before them in their class."""
    copies = set[Path]()
    faults: dict[str, list[str]] = defaultdict(list)
    first_seen: dict[str, dict[Path, Path]] = defaultdict(dict)
    class_of = {path: folder for folder, paths in files.items() for path in paths}
    with ThreadPoolExecutor() as pool:
        for path, (digest, fault) in zip(class_of, pool.map(examine, class_of), strict=True):
            if on_file:
                on_file(path)
            if fault:
                faults[fault].append(str(path))
            elif (twin := first_seen[digest].setdefault(class_of[path], path)) != path:
                copies.add(path)
                log.warning("%s is a copy of %s: remove it, or a split may put one on each side", path, twin)
    contradictions = [twins.values() for twins in first_seen.values() if len(twins) > 1]
    if contradictions:
        faults["the same picture in several classes: leave it in the right one"] = [
            " = ".join(map(str, twins)) for twins in contradictions
        ]
    if faults:
        raise DataError(_report(faults))
    return copies


def _examine_turned(path: Path) -> tuple[str, str]:
    """The same with one digest for all eight ways to turn and mirror the picture: the least of theirs."""
    pixels, fault = _read(path)
    if pixels is None:
        return "", fault
    turned = [np.rot90(side, turns) for side in (pixels, pixels[:, ::-1]) for turns in range(4)]
    return min(map(_digest, turned)), ""


def _read(path: Path) -> tuple[Pixels | None, str]:
    if path.suffix.lower() not in SUFFIXES:
        return None, f"the name has no ending of a picture ({', '.join(sorted(SUFFIXES))})"
    try:
        return read_picture(path), ""
    except FrameError as error:
        return None, str(error).removeprefix(f"{path}: ")


def _digest(pixels: Pixels) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _report(
    faults: Mapping[str, Sequence[str]], why: str = "for training; remove them from the class folders or replace them"
) -> str:
    number = sum(map(len, faults.values()))
    lines = [f"{number} file(s) cannot be used {why}:"]
    for fault, files in faults.items():
        lines += [f"  {fault}:", *(f"    {file}" for file in files)]
    return "\n".join(lines)


def _by_relative_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Sorted by the name below the folder that all have in common."""
    files = set(paths)
    if not files:
        return {}
    common = os.path.commonpath([path.parent for path in files])
    return dict(sorted((path.relative_to(common).as_posix(), path) for path in files))


def _parts(by_name: Mapping[str, Path], pattern: str | None, key: str = "data.group_pattern") -> dict[str, list[str]]:
    """The names of each part's pictures."""
    if pattern is None:
        return {name: [name] for name in by_name}
    expression = _compiled(pattern, key)
    parts: dict[str, list[str]] = defaultdict(list)
    for name, path in by_name.items():
        match = expression.search(path.name)
        parts[(match and match[1]) or ""].append(name)
    if nameless := parts.pop("", None):
        files = "\n  ".join(str(by_name[name]) for name in nameless)
        raise DataError(f"{key} {pattern!r} finds no part in these file names:\n  {files}")
    return parts


def _compiled(pattern: str, key: str) -> re.Pattern[str]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"{key} {pattern!r} is no regular expression: {error}") from error
    if not expression.groups:
        raise DataError(f"{key} {pattern!r} needs a group in parentheses that names the part")
    return expression


def _nearest_subset(sizes: Sequence[int], wanted: float) -> list[int]:
    """The places of some, not all, of the sizes, whose sum is as near to ``wanted`` as can be; of two sums the lesser.

    Subset sum by dynamic programming. ``reached_by[s]`` is the place of the size that first made a sum of s, so that
    the sum without it was made by sizes before it.
    """
    total = sum(sizes)
    ideal = min(max(math.ceil(wanted - 0.5), 1), total - 1)
    reached_by = np.full(total + 1, -1)
    reached_by[0] = 0
    for place, size in enumerate(sizes):
        new = np.flatnonzero((reached_by[:-size] >= 0) & (reached_by[size:] < 0)) + size
        reached_by[new] = place
        if reached_by[ideal] >= 0:
            break
    sums = np.flatnonzero(reached_by[1:total] >= 0) + 1
    remaining = int(min(sums, key=lambda reached: abs(reached - wanted)))
    chosen = []
    while remaining:
        chosen.append(int(reached_by[remaining]))
        remaining -= sizes[chosen[-1]]
    return chosen
