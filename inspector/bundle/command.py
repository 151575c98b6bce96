"""What ``inspector bundle`` does."""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from inspector.bundle.by_hand import CONFIDENCE, Prospect, prospects, set_by_hand, whoever
from inspector.bundle.difference import caught_by_type, differences
from inspector.bundle.manifest import Calibration, Manifest
from inspector.bundle.reading import read_bundle, read_manifest

EXIT_DIFFERENT: Final = 1

DIGEST: Final = 64
"""Characters of a SHA-256; twelve of them are shown."""

SHOWN: Final = 60
"""Characters of a value in a table."""


def bundle(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status. Raises BundleError and DataError."""
    status: int = {"show": _show, "diff": _diff, "threshold": _by_hand}[arguments.what](arguments)
    return status


def _show(arguments: argparse.Namespace) -> int:
    manifest, digest = read_manifest(arguments.bundle)
    if arguments.json:
        print(json.dumps({"digest": digest, "manifest": manifest.model_dump(mode="json")}))
        return 0
    console = Console()
    console.print(_identity(manifest, digest))
    console.print(_threshold(manifest.calibration))
    for table in (_types(manifest), _calibrations(manifest)):
        if table.row_count:
            console.print(table)
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    (a, digest_a), (b, digest_b) = read_manifest(arguments.a), read_manifest(arguments.b)
    found = differences(a, b)
    if arguments.json:
        print(json.dumps({"a": digest_a, "b": digest_b, "differences": [asdict(each) for each in found]}))
    elif found:
        table = Table("fact", f"A {digest_a[:12]}", f"B {digest_b[:12]}")
        for each in found:
            table.add_row(escape(each.fact), escape(_short(each.a)), escape(_short(each.b)))
        Console().print(table)
    else:
        print(f"no difference: both are {digest_a}")
    return EXIT_DIFFERENT if found else 0


def _by_hand(arguments: argparse.Namespace) -> int:
    bundle, path = read_bundle(arguments.bundle), arguments.output or arguments.bundle
    prospect, written = prospects(bundle)(arguments.at), None
    if arguments.reason:
        set_by_hand(
            bundle,
            arguments.at,
            path,
            by=arguments.by or whoever(),
            reason=arguments.reason,
            let_critical_pass=arguments.let_critical_pass,
        )
        written = read_manifest(path)[1]
    if arguments.json:
        print(json.dumps(asdict(prospect) | {"bundle": str(path) if written else None, "digest": written}))
        return 0
    for line in _in_words(prospect):
        print(line)
    print(f"written: {path}  {written[:12]}" if written else "nothing was changed: give a --reason to set it")
    return 0


def _in_words(prospect: Prospect) -> Iterator[str]:
    """What a threshold would do."""
    if prospect.normals:
        yield f"{prospect.rejected} of {prospect.normals} held-out normals are above {prospect.threshold:.6g}"
    if prospect.proved is None:
        yield (
            "nothing is proved: the bundle has no scores of held-out normals, or does not say which of them belong "
            "together; `inspector-train calibrate` proves it"
        )
    else:
        yield f"at most {_share(prospect.proved)} of good parts rejected, at {_share(CONFIDENCE)} confidence"
    if prospect.critical:
        yield (
            f"{prospect.critical_missed} of {prospect.critical} left-out pictures of critical types pass, "
            f"{prospect.critical_missed_now} do now"
        )


def _identity(manifest: Manifest, digest: str) -> RenderableType:
    training = manifest.training
    table = Table(title=escape(manifest.name), show_header=False)
    height, width = manifest.input_size
    rows = {
        "digest": digest,
        "created": f"{manifest.created:%Y-%m-%d %H:%M} by {manifest.created_by}",
        "sees": f"{width} x {height} pixels" + (", also in 8 bits" if manifest.int8 else ""),
        "score": " + ".join(f"{part.kind} of {part.of}" for part in manifest.parts),
        "trained on": f"{training['normal']} normals" if "normal" in training else "",
        "ships": f"{manifest.gate.ships}: {manifest.gate.reason}" if manifest.gate else "",
    }
    for name, said in rows.items():
        if said:
            table.add_row(name, escape(said))
    return table


def _threshold(calibration: Calibration) -> RenderableType:
    table = Table(title="threshold", show_header=False)
    for name, said in _promises(calibration):
        table.add_row(name, escape(said))
    return table


def _promises(calibration: Calibration) -> Iterator[tuple[str, str]]:
    yield "FAIL above", f"{calibration.threshold:.6g}, from {calibration.normals} held-out normals"
    if promise := calibration.promise:
        share, confidence = _share(promise.max_false_reject), _share(promise.confidence)
        yield "proved", f"at most {share} of good parts rejected, at {confidence} confidence"
        if promise.gave_way:
            yield "gave way", promise.why
    else:
        yield "on average", f"{_share(calibration.false_reject_rate)} of good parts rejected"
    if tail := calibration.tail:
        yield "by a model", f"{tail}" + ("" if tail.kept else "; critical types brought the threshold below it")
    if band := calibration.review:
        yield "review", f"FAIL up to {band.below:.6g}; beyond it {_share(band.max_false_reject)} of good parts at most"
    if cost := calibration.cost:
        yield "expected cost", cost.why or f"{cost.expected:.4g} a part, the least"


def _types(manifest: Manifest) -> Table:
    caught = caught_by_type(manifest.calibration)
    table = Table("type", "weight", "critical", "pictures", "caught when left out", title="known anomalies")
    for each in manifest.anomaly_types:
        critical = "yes" if each.critical else ""
        table.add_row(escape(each.name), f"{each.weight:g}", critical, str(each.pictures), caught.get(each.name, ""))
    return table


def _calibrations(manifest: Manifest) -> Table:
    table = Table("when", "who", "why", "from", "by", "rejects at most", "threshold", title="calibrations")
    for each in manifest.calibrations:
        was = "" if each.previous_threshold is None else f" (was {each.previous_threshold:.4g})"
        table.add_row(
            f"{each.at:%Y-%m-%d %H:%M}",
            escape(each.by),
            escape(each.reason),
            escape(f"{each.normals} normals, {each.normals_from}"),
            each.method,
            _share(each.max_false_reject),
            f"{each.threshold:.4g}{was}",
        )
    return table


def _share(share: float) -> str:
    """In per cent, rounded up, so that "at most" stays true."""
    return f"{math.ceil(1e5 * share - 1e-6) / 1e3:g} %"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else str(value)
    if len(text) == DIGEST:
        return text[:12]
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
