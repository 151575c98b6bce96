"""``inspector-train calibrate``: a promise for a bundle that is there, or the reason why it cannot be given."""

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from inspector.arguments import number_or_nan, share_or_nan
from inspector.bundle import Bundle, Calibration, EscapeCost, change_manifest, golden_at, read_bundle
from inspector.engines import Engine
from inspector.errors import ConfigError
from training.contract import check_possible
from training.costs import Costs
from training.data import group_of_each, scan_normals
from training.history import event
from training.progress import console, tracking
from training.promise import CONFIDENCE, Promised, Terms, TooFewNormalsError
from training.recalibrate import recalibrate, score_normals
from training.summary import calibration_in_words

DESCRIPTION: Final = """Reads a bundle's threshold anew from normal pictures that its training has not seen, so that at
most the given share of good parts is rejected, with the given confidence, whatever the scores' distribution. The
pictures must come as they will on the line; copies, turned or changed in any way, are no pictures of their own."""


EPILOG: Final = """examples:
  inspector-train calibrate bundles/lids --normals /data/good --max-false-reject 0.5%
  inspector-train calibrate bundles/lids --normals /data/good --max-false-reject 0.5% --group-pattern '^(lot[0-9]+)_'
  inspector-train calibrate bundles/lids --normals /data/good --max-false-reject 1% --review 5% --by anna
  inspector-train calibrate bundles/lids --normals /data/good --max-false-reject 0.1% --model tail
  inspector-train calibrate bundles/lids --normals /data/good --max-false-reject 5% --false-reject-cost 1 \\
      --escape-cost scratch=40/2000 --escape-cost metal=5000/10

exit status: 0 the bundle has its threshold; 1 there are too few normals, and nothing was changed; 2 wrong command line;
78 a mistake in the pictures or the bundle, told in one message
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``inspector-train calibrate``."""
    parser = commands.add_parser(
        "calibrate",
        help="promise a false-reject rate, from normals not seen yet",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("bundle", type=Path, help="folder of the bundle")
    add("--normals", type=Path, required=True, metavar="DIR", help="normal pictures, also in folders below")
    add("--max-false-reject", type=_rate, required=True, metavar="SHARE", help="as 0.5%% or 0.005, below 50%%")
    add("--confidence", type=_confidence, default=CONFIDENCE, metavar="SHARE", help="from 50%% on; default 95%%")
    add("--group-pattern", metavar="RE", help="regular expression, searched in the file names; pictures of one first "
        "group (lot, shift, part) count once; default: that of the training; '(.*)': each for itself")  # fmt: skip
    add("--best", action="store_true", help="where there are too few normals, promise what they can")
    add("--promise-first", action="store_true", help="keep the promise although critical pictures then pass")
    add("--review", type=_rate, metavar="SHARE", help="reject this share of good parts at most in all, larger than "
        "--max-false-reject: those between the two say 'review: true', for a person to look at")  # fmt: skip
    add("--model", choices=("tail",), help="where there are too few normals, go beyond what they prove by a model of "
        "their highest scores (generalised Pareto); recorded as a model")  # fmt: skip
    add("--false-reject-cost", type=_cost, metavar="COST", help="of a good part rejected; with --escape-cost, choose "
        "the cheapest threshold that keeps the promise; default: as the bundle has it")  # fmt: skip
    add("--escape-cost", type=_escape, action="append", metavar="TYPE=COST[/PER_MILLION]", help="of one such "
        "defect that escapes, and how many parts of a million have it (default 1000); may be given again")  # fmt: skip
    add("--by", metavar="NAME", help="who does this, for the bundle's history; default: the user and the machine")
    add("--output", type=Path, metavar="DIR", help="write a new bundle; default: change this one, at once")
    add("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Calibrate and write; exit status 1, and nothing written, where there are too few normals."""
    bundle = read_bundle(arguments.bundle)
    costs = _costs(arguments, bundle)
    with tracking() as track:
        with track("checking the pictures", 0) as progress:
            files = scan_normals(arguments.normals, lambda _: progress(1))
        pattern = arguments.group_pattern or _group_pattern(bundle)
        promised = _promised(arguments, group_of_each(files, pattern, key="--group-pattern"), pattern)
        try:
            terms = _terms(arguments, promised, len(files))
        except TooFewNormalsError as few:
            return _refuse(few, as_json=arguments.json)
        bundles = [bundle]
        if bundle.manifest.int8:
            bundles.append(read_bundle(arguments.bundle, Engine(precision="int8")))
        with track("judging", len(bundles) * len(files)) as progress:
            normals = score_normals(bundles, files, progress)
    calibration = recalibrate(
        bundle.manifest,
        normals,
        replace(promised, terms=terms),
        critical_first=not arguments.promise_first,
        costs=costs,
    )
    _write(arguments, bundle, calibration, normals.digest)
    return 0


def _write(arguments: argparse.Namespace, bundle: Bundle, calibration: Calibration, pictures_sha256: str) -> None:
    """Change the bundle or write a new one, which remembers this calibration beside those before, and say so."""
    made = event(
        calibration,
        command="calibrate",
        normals_from=str(arguments.normals),
        pictures_sha256=pictures_sha256,
        by=arguments.by,
        previous_threshold=bundle.manifest.calibration.threshold,
    )
    output = arguments.output or arguments.bundle
    change_manifest(
        bundle,
        output,
        calibration=calibration,
        calibrations=(*bundle.manifest.calibrations, made),
        golden=golden_at(bundle.manifest, calibration.threshold),
    )
    _tell(output, calibration, as_json=arguments.json)


def _promised(arguments: argparse.Namespace, groups: list[int] | None, pattern: str | None) -> Promised:
    terms = Terms(arguments.max_false_reject, arguments.confidence)
    if arguments.review is None:
        return Promised(terms, groups, pattern, tail=arguments.model == "tail")
    if arguments.review <= arguments.max_false_reject:
        raise ConfigError(
            "--review counts all rejects, --max-false-reject those beyond doubt: make --review the larger share"
        )
    return Promised(terms, groups, pattern, Terms(arguments.review, arguments.confidence), arguments.model == "tail")


def _terms(arguments: argparse.Namespace, promised: Promised, pictures: int) -> Terms:
    """What is asked for, or with ``--best`` what can be promised. Raises TooFewNormalsError."""
    try:
        check_possible(promised, pictures)
    except TooFewNormalsError as few:
        if not arguments.best or few.terms != promised.terms:
            raise
        console.print(str(few), style="yellow", highlight=False, soft_wrap=True)
        return few.terms.best(few.there)
    return promised.terms


def _costs(arguments: argparse.Namespace, bundle: Bundle) -> Costs | None:
    """As the command line has them, or else the bundle. Raises ConfigError for costs that are not whole."""
    if (arguments.false_reject_cost is None) != (not arguments.escape_cost):
        raise ConfigError("--false-reject-cost and --escape-cost go together: give both")
    if arguments.false_reject_cost is None:
        old = bundle.manifest.calibration.cost
        return Costs(old.false_reject, old.escape) if old else None
    escape = dict(arguments.escape_cost)
    calibration = bundle.manifest.calibration
    known = [*calibration.critical_scores, *calibration.other_scores]
    if missing := sorted(set(escape) - set(known)):
        there = ", ".join(known) or "none"
        raise ConfigError(f"--escape-cost {missing[0]}: the bundle left out no pictures of this type; of: {there}")
    return Costs(arguments.false_reject_cost, escape)


def _group_pattern(bundle: Bundle) -> str | None:
    settings: dict[str, Any] = bundle.manifest.training.get("config", {}).get("data", {})
    return settings.get("group_pattern")


def _refuse(few: TooFewNormalsError, *, as_json: bool) -> int:
    best = few.terms.best(few.there).max_false_reject
    if as_json:
        print(json.dumps({"refused": str(few), "needed": few.terms.needed, "there": few.there, "best": best}))
    print(f"{few}\nNothing was changed: add normals, or take the best promise with --best", file=sys.stderr)
    return 1


def _tell(path: Path, calibration: Calibration, *, as_json: bool) -> None:
    digest = read_bundle(path).digest
    if as_json:
        record = calibration.model_dump(mode="json")
        print(json.dumps({"bundle": str(path), "digest": digest, "calibration": record}))
        return
    console.print(f"[bold green]bundle[/] {escape(str(path))}  [dim]{digest[:12]}[/]", soft_wrap=True)
    for line in calibration_in_words(calibration):
        console.print(line, soft_wrap=True, highlight=False)


def _rate(text: str) -> float:
    return _share(text, 0, 0.5, "0.5% or 0.005")


def _confidence(text: str) -> float:
    return _share(text, 0.5, 1, "95% or 0.95")


def _cost(text: str) -> float:
    cost = number_or_nan(text)
    if not 0 < cost < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no cost above 0")
    return cost


def _escape(text: str) -> tuple[str, EscapeCost]:
    name, _, price = text.rpartition("=")
    cost, _, per_million = price.partition("/")
    often = number_or_nan(per_million or "1000")
    if not name or not 0 < often < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: write TYPE=COST or TYPE=COST/PER_MILLION, as scratch=200/1500")
    return name, EscapeCost(cost=_cost(cost), per_million=often)


def _share(text: str, low: float, high: float, example: str) -> float:
    """A share in (low, high), in per cent or as it is."""
    share = share_or_nan(text)
    if not low < share < high:  # a NaN is not either
        raise argparse.ArgumentTypeError(f"{text!r} is no share between {low:.0%} and {high:.0%}; write {example}")
    return share
