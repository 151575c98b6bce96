"""The reference of a study with its pictures, and what people decided."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspector.errors import DataError
from training.config import DataSettings
from training.data import examine, parts_of, scan
from training.msa.study import GOOD, Decision, Decisions, Truths
from training.msa.tables import Row, read_rows, refuse_if

DAEMON: Final = "daemon"
"""The bundle's name among the appraisers."""

WORDS: Final = {
    "good": Decision.ACCEPT,
    "pass": Decision.ACCEPT,
    "accept": Decision.ACCEPT,
    "ok": Decision.ACCEPT,
    "defect": Decision.REJECT,
    "fail": Decision.REJECT,
    "reject": Decision.REJECT,
    "nok": Decision.REJECT,
    "undecided": Decision.UNDECIDED,
}
"""What a person may have decided; the reference's types of defects are rejects too."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the parts, and a picture of each presentation."""

    truths: Truths
    pictures: Mapping[str, tuple[Path, ...]]
    """By part, in the order of presentation."""


def read_reference(file: Path) -> Reference:
    """The reference of a CSV file with columns part, truth and picture, a row for each presentation.

    A truth is ``good``, ``defect`` or the name of a type of defects; a picture's path is taken from the file's folder.
    Raises DataError with all mistakes, among them pictures that cannot be read or are presented twice.
    """
    rows = read_rows(file, ("part", "truth", "picture"))
    truths: dict[str, str] = {}
    pictures: dict[str, list[Path]] = defaultdict(list)
    for row in rows:
        truths.setdefault(row["part"], row["truth"].lower())
        pictures[row["part"]].append(file.parent / row["picture"])
    refuse_if([*_wrong_truths(rows, truths), *_wrong_pictures(rows)])
    return _of_both_kinds(Reference(truths, {part: tuple(own) for part, own in pictures.items()}), str(file))


def scan_reference(root: Path, normal: str, group_pattern: str | None) -> Reference:
    """The reference of a folder with a folder a class: ``normal`` holds good parts, the others a type of defects each.

    The part is the first group of ``group_pattern``, searched in the file name, and its presentations are its pictures
    by name; without a pattern each picture is a part, named by its path below ``root``. Raises DataError as ``scan``
    does, and for a part in several folders and a picture that is presented twice.
    """
    found = scan(DataSettings(root=root, normal=normal))
    refuse_if(
        f"{root / kind}: is no type of defects by its name; correct --normal {normal!r}, or rename the folder"
        for kind in found.anomalies
        if WORDS.get(kind.lower(), Decision.REJECT) is not Decision.REJECT
    )
    truth_of = {path: kind for kind, paths in found.anomalies.items() for path in paths}
    truth_of |= dict.fromkeys(found.normal, GOOD)
    pictures = {part: tuple(own) for part, own in parts_of(truth_of, group_pattern).items()}
    first: dict[str, Path] = {}
    refuse_if(
        f"{path}: the same picture as {twin}; a presentation is a new picture of the part: take one, or remove the file"
        for path in truth_of
        if (twin := first.setdefault(examine(path)[0], path)) != path
    )
    refuse_if(
        f"{root}: part {part!r} has pictures in several folders, such as {own[0]} and {own[-1]}; leave them in the "
        "right one, or correct --group-pattern"
        for part, own in pictures.items()
        if len({truth_of[path] for path in own}) > 1
    )
    return _of_both_kinds(Reference({part: truth_of[own[0]] for part, own in pictures.items()}, pictures), str(root))


def read_appraisers(file: Path, truths: Truths) -> dict[str, Decisions]:
    """What each person decided: a CSV file with columns appraiser, part, presentation and decision.

    Presentations count from 1. Raises DataError with all mistakes: unknown parts, words that are no decision, a
    presentation that was decided twice, and parts that somebody has not judged.
    """
    rows = read_rows(file, ("appraiser", "part", "presentation", "decision"))
    refuse_if(mistake for row in rows for mistake in _wrong_decision(row, truths))
    decided: dict[str, dict[str, dict[int, Decision]]] = defaultdict(lambda: defaultdict(dict))
    twice = []
    for row in rows:
        own, number = decided[row["appraiser"]][row["part"]], int(row["presentation"])
        if number in own:
            twice.append(
                row.mistake(
                    "presentation", f"{row['appraiser']} has decided on presentation {number} before; correct one"
                )
            )
        own[number] = WORDS.get(row["decision"].lower(), Decision.REJECT)
    refuse_if(twice)
    refuse_if(
        f"{file}: {name} has not judged {len(left)} of the reference's parts, such as {left[0]!r}; let every appraiser "
        "judge each part, or leave the appraiser out"
        for name, own in decided.items()
        if (left := [part for part in truths if part not in own])
    )
    return {name: dict(own) for name, own in decided.items()}


def _wrong_truths(rows: Iterable[Row], truths: Truths) -> Iterable[str]:
    for row in rows:
        truth, before = row["truth"].lower(), truths[row["part"]]
        if truth != before:
            yield row.mistake("truth", f"{truth!r}, but above part {row['part']!r} is {before!r}; correct one of them")
        # A slip of the pen would make a type of defects of it, and the good part a miss.
        elif truth != GOOD and difflib.get_close_matches(truth, (GOOD,), cutoff=0.8):
            yield row.mistake("truth", f"{truth!r}; did you mean {GOOD!r}?")
        elif truth != GOOD and WORDS.get(truth, Decision.REJECT) is not Decision.REJECT:
            yield row.mistake("truth", f"{truth!r}; write {GOOD!r}, 'defect' or the type of the defect")


def _wrong_pictures(rows: Iterable[Row]) -> Iterable[str]:
    first: dict[str, Row] = {}
    for row in rows:
        digest, fault = examine(row.file.parent / row["picture"])
        if fault:
            yield row.mistake("picture", f"{row['picture']}: {fault}; correct the path, or replace the file")
        elif (twin := first.setdefault(digest, row)) is not row:
            yield row.mistake(
                "picture", f"the same picture as in line {twin.line}; a presentation is a new picture of the part"
            )


def _wrong_decision(row: Row, truths: Truths) -> Iterable[str]:
    if row["appraiser"].lower() == DAEMON:
        yield row.mistake("appraiser", f"{DAEMON!r} is the bundle's own name here; take another")
    if row["part"] not in truths:
        near = difflib.get_close_matches(row["part"], truths, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "correct it, or add the part to the reference"
        yield row.mistake("part", f"the reference has no part {row['part']!r}; {hint}")
    if not row["presentation"].isdecimal() or int(row["presentation"]) < 1:
        yield row.mistake("presentation", f"{row['presentation']!r} is no number from 1 up; count each part's from 1")
    if row["decision"].lower() not in {*WORDS, *(truth.lower() for truth in truths.values())}:
        yield row.mistake("decision", f"{row['decision']!r}; write one of {', '.join(WORDS)}, or a type of defects")


def _of_both_kinds(reference: Reference, source: str) -> Reference:
    good = sum(truth == GOOD for truth in reference.truths.values())
    if not 0 < good < len(reference.truths):
        kind = "defective" if good else "good"
        raise DataError(
            f"{source}: has no {kind} part; the miss rate is told by defective parts, the false-alarm rate by good ones"
            ": add some"
        )
    return reference
