"""``inspector-train report``."""

import argparse
import json
from pathlib import Path
from typing import Final

from inspector.arguments import output
from inspector.bundle import read_bundle
from inspector.errors import ConfigError
from training.config import DataSettings
from training.data import scan
from training.evaluate import score_files
from training.progress import console, tracking

DESCRIPTION: Final = """What is known of a bundle, for an auditor and for whoever runs the line, on one HTML page that
needs nothing else: promise and proof, what was caught and missed, where the threshold comes from, digests. Show it
pictures that trained nothing."""

EPILOG: Final = """examples:
  inspector-train report bundles/lids --data /data/unseen
  inspector-train report bundles/lids --data /data/unseen --output lids.html --json lids.json
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``report``."""
    parser = commands.add_parser(
        "report",
        help="one page for an auditor: promise, proof, mistakes",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with one folder a class")
    parser.add_argument("--normal", default="normal", help="name of the folder with good parts")
    parser.add_argument("--output", type=output, default=Path("report.html"), help="the page; default: report.html")
    parser.add_argument("--json", type=output, metavar="FILE", help="write all figures there, each picture's too")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge the pictures and write the page. Raises BundleError, ConfigError or DataError for what cannot be used."""
    # Here, since drawing and Jinja are slow to import, and no other command needs them.
    from training.report_page.facts import gather  # noqa: PLC0415
    from training.report_page.page import render  # noqa: PLC0415

    bundle = read_bundle(arguments.bundle)
    pictures = scan(DataSettings(root=arguments.data, normal=arguments.normal))
    files = {arguments.normal: pictures.normal, **pictures.anomalies}
    with tracking() as track, track("judging", sum(map(len, files.values()))) as progress:
        scored = score_files(bundle, files, progress)
    facts = gather(bundle, scored, files, arguments.normal, arguments.data)
    _write(arguments.output, render(facts), "--output")
    if arguments.json:
        _write(arguments.json, json.dumps(facts.figures, indent=1) + "\n", "--json")
    console.print(f"report: {arguments.output}", soft_wrap=True, highlight=False, markup=False)
    return 0


def _write(file: Path, text: str, option: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{option} {file}: cannot be written ({error.strerror}); correct the path") from error
