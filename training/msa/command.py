"""What ``inspector-train msa`` does."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress as ProgressBar

from inspector.arguments import share_or_nan
from inspector.bundle import Bundle, read_bundle
from inspector.errors import ConfigError
from inspector.inspection import Outcome
from training.evaluate import score_files
from training.features import Progress, silent
from training.msa.limits import Grade, verdicts
from training.msa.reading import DAEMON, read_appraisers, read_reference, scan_reference
from training.msa.report import as_json, in_tables, worst
from training.msa.study import Decision, Decisions, study

EXIT_NOT_ACCEPTABLE: Final = 1

DESCRIPTION: Final = """\
Attribute agreement study of the AIAG (MSA, 4th edition, chapter III, section C): the bundle as an appraiser against a
reference, beside people who judged the same parts. Take parts that trained nothing, and take each picture anew: put the
part in, take it out, put it in again. Where people decide too, the reference must not come from them.
"""

EPILOG: Final = """examples:
  inspector-train msa bundles/lids --reference parts.csv
  inspector-train msa bundles/lids --reference parts.csv --appraisers people.csv --json study.json
  inspector-train msa bundles/lids --data /data/study --group-pattern '^(lid[0-9]+)_'

parts.csv, a row for each presentation; truth is good, defect or a type of defects:
  part,truth,picture
  lid001,good,pictures/lid001_1.png
  lid001,good,pictures/lid001_2.png
  lid002,scratch,pictures/lid002_1.png

people.csv; decision is good, pass, accept or ok, or defect, fail, reject, nok or a type, or undecided:
  appraiser,part,presentation,decision
  Anne,lid001,1,pass

limits, acceptable and marginal: effectiveness at least 90 % and 80 %, miss rate at most 2 % and 5 %, false-alarm rate
at most 5 % and 10 %. A limit is proven if a one-sided bound keeps it at the confidence; only parts count as evidence,
their presentations do not.

exit status: 0 the bundle is acceptable by all three; 1 it is not; 2 wrong command line; 78 a mistake in the files, told
in one message
"""

OUTCOMES: Final = {Outcome.PASS: Decision.ACCEPT, Outcome.FAIL: Decision.REJECT, Outcome.ERROR: Decision.UNDECIDED}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``msa``."""
    parser = commands.add_parser(
        "msa",
        help="attribute agreement study of a bundle, for auditors",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--reference", type=Path, metavar="CSV", help="truth and pictures of each part")
    source.add_argument("--data", type=Path, metavar="DIR", help="folder with one folder a class instead")
    parser.add_argument("--normal", default="normal", help="with --data: name of the folder with good parts")
    parser.add_argument(
        "--group-pattern", metavar="REGEX", help="with --data: its first group names the part in each file name"
    )
    parser.add_argument("--appraisers", type=Path, metavar="CSV", help="what people decided on the same parts")
    parser.add_argument("--confidence", type=_confidence, default=0.95, metavar="PERCENT", help="default: 95%%")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the study; returns the exit status. Raises ConfigError, DataError or BundleError for what cannot be used."""
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        raise ConfigError(f"--json {arguments.json}: there is no such folder; make it, or correct the path")
    if arguments.reference and arguments.group_pattern:
        raise ConfigError("--group-pattern goes with --data; a reference names the part of each picture itself")
    bundle = read_bundle(arguments.bundle)
    if arguments.reference:
        reference = read_reference(arguments.reference)
    else:
        reference = scan_reference(arguments.data, arguments.normal, arguments.group_pattern)
    people = read_appraisers(arguments.appraisers, reference.truths) if arguments.appraisers else {}
    with ProgressBar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("judging", total=sum(map(len, reference.pictures.values())))
        daemon = decide(bundle, reference.pictures, lambda done: bar.advance(task, done))
    made = study(reference.truths, {DAEMON: daemon, **people}, arguments.confidence)
    decided = {own.appraiser: list(verdicts(own, made.confidence)) for own in made.appraisals}
    if arguments.json:
        _write(arguments.json, {"bundle": bundle.digest, "threshold": bundle.threshold, **as_json(made, decided)})
    for shown in in_tables(made, decided):
        Console().print(shown)
    return 0 if worst(decided[DAEMON]) is Grade.ACCEPTABLE else EXIT_NOT_ACCEPTABLE


def decide(bundle: Bundle, pictures: Mapping[str, tuple[Path, ...]], progress: Progress = silent) -> Decisions:
    """What the daemon decides in each presentation of each part."""
    decided: dict[str, dict[int, Decision]] = {part: {} for part in pictures}
    for one in score_files(bundle, pictures, progress):
        decided[one.label][len(decided[one.label]) + 1] = OUTCOMES[one.outcome]
    return decided


def _write(file: Path, figures: Mapping[str, object]) -> None:
    try:
        file.write_text(json.dumps(figures, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(f"--json {file}: cannot be written ({error.strerror}); correct the path") from error


def _confidence(text: str) -> float:
    share = share_or_nan(text)
    if not 0.5 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a share from 50% to below 100%, such as 95% or 0.95")
    return share
