"""The ``inspector-train`` command: fit, export, calibrate, evaluate, report, msa, benchmark."""

import argparse
import json
import logging
import math
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from pytorch_lightning.utilities import rank_zero_only
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inspector import __version__
from inspector.arguments import whole_number
from inspector.bundle import Bundle, Normals, read_bundle
from inspector.errors import EXIT_CONFIG, BundleError, ConfigError, DataError
from inspector.settings import read_settings
from training import calibrate_command
from training.benchmark import drift, fashion, few, light, promise, speed, weights
from training.config import DataSettings, TrainingConfig
from training.data import scan
from training.evaluate import Scored, score_files, summarise
from training.export import export, golden_pictures
from training.fit import FittedModel, fit_model
from training.labelled import with_labels
from training.learn import Start
from training.localise import localisation
from training.msa import command as msa
from training.normals import camera_ways, normals_of
from training.overlays import draw_overlays
from training.prepare import prepare
from training.progress import console, tracking
from training.remembered import FILE, Memory
from training.report import draw_histogram, draw_mistakes, draw_roc
from training.report_page import command as report
from training.seen import TrainingSet
from training.summary import in_words, summary

EPILOG: Final = """examples:
  inspector-train fit configs/training/cells.yaml
  inspector-train fit configs/training/cells.yaml --resume
  inspector-train refit configs/training/cells.yaml --labelled /data/from-the-line
  inspector-train export configs/training/cells.yaml --int8
  inspector-train calibrate build/cells/bundle --normals /data/good --max-false-reject 0.5% --confidence 95%
  inspector-train evaluate build/cells/bundle /data/cells --report build/cells/report
  inspector-train report build/cells/bundle --data /data/cells --output cells.html
  inspector-train msa build/cells/bundle --reference parts.csv --appraisers people.csv
  inspector-train benchmark fashion --quick
  inspector-train benchmark few --data /data --sets cells,cans --seeds 3
  inspector-train benchmark weights /data/cells --type scratch
  inspector-train benchmark promise --data /data --sets cells,cans
  inspector-train benchmark speed --data /data --write inspector/PERFORMANCE.md
  inspector-train benchmark drift --data /data --sets tiles,cells

exit status: 0 done; 1 interrupted, a bug, too few normals to calibrate, or a bundle that a study finds not acceptable;
2 wrong command line; 78 a mistake in the configuration, the pictures or the bundle, told in one message
"""

INT8: Final = "put the network into the bundle in 8 bits too, as 'int8: true' in the configuration does"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    # Lightning's advice on worker processes and loggers is for its developers, not for a line engineer.
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    try:
        status: int = arguments.command(arguments)
    except (ConfigError, DataError, BundleError) as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    except KeyboardInterrupt:
        print("interrupted; `fit --resume` goes on, `export` makes a bundle of the last checkpoint", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "inspector-train", description="Train a model bundle for the daemon.", epilog=EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser("fit", help="train, calibrate and write the bundle")
    fit.add_argument("config", type=Path, help="configuration file, YAML")
    fit.add_argument("--resume", action="store_true", help="go on from the last checkpoint of an interrupted fit")
    _add_training_arguments(fit)
    fit.set_defaults(command=_fit)

    refit = commands.add_parser(
        "refit",
        help="fit again with new pictures, which are all that a frozen backbone looks at",
        description="Everything that a fit decides is decided again, by what the backbone saw for the fit before.",
    )
    refit.add_argument("config", type=Path, help="configuration file, YAML")
    _add_training_arguments(refit)
    refit.set_defaults(command=_refit)

    again = commands.add_parser("export", help="write the bundle again from the last checkpoint, without training")
    again.add_argument("config", type=Path, help="configuration file, YAML")
    _add_training_arguments(again)
    again.set_defaults(command=_export)

    calibrate_command.add_parser(commands)

    evaluate = commands.add_parser("evaluate", help="judge labelled pictures that training never saw")
    evaluate.add_argument("bundle", type=Path, help="folder of the bundle")
    evaluate.add_argument("data", type=Path, help="folder with one folder a class")
    evaluate.add_argument("--normal", default="normal", help="name of the folder with normal pictures")
    evaluate.add_argument("--report", type=Path, metavar="DIR", help="write histogram, ROC, worst mistakes, heat maps")
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")
    evaluate.set_defaults(command=_evaluate)

    report.add_parser(commands)
    msa.add_parser(commands)

    benchmark = commands.add_parser("benchmark", help="run a published experiment again")
    experiments = benchmark.add_subparsers(required=True, metavar="EXPERIMENT")
    fashion.add_parser(experiments)
    light.add_parser(experiments)
    few.add_parser(experiments)
    weights.add_parser(experiments)
    promise.add_parser(experiments)
    speed.add_parser(experiments)
    drift.add_parser(experiments)

    schema = commands.add_parser("schema", help="print the JSON Schema of a training configuration")
    schema.set_defaults(command=_schema)
    return parser


def _add_training_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labelled", type=Path, metavar="DIR", help="what `inspector labels export` wrote: more pictures"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="in place of the configuration's output")
    parser.add_argument("--int8", action="store_true", help=INT8)
    parser.add_argument("--threads", type=whole_number, metavar="N", help="compute in so many; default: one a core")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument(
        "--progress-json", action="store_true", help="tell the progress on standard error, a line of JSON for each step"
    )


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(TrainingConfig.model_json_schema(), indent=2))
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    return _train(arguments, Start.RESUME if arguments.resume else Start.FRESH)


def _refit(arguments: argparse.Namespace) -> int:
    config = read_settings(arguments.config, TrainingConfig)
    if config.network.train == "all":
        raise ConfigError("refit: the configuration trains the backbone as well (network.train: all): take fit")
    outputs = (arguments.output or config.output, config.output)
    return _train(arguments, Start.FRESH, next((each for each in outputs if (each / FILE).exists()), config.output))


def _export(arguments: argparse.Namespace) -> int:
    return _train(arguments, Start.CHECKPOINT)


def _train(arguments: argparse.Namespace, start: Start, before: Path | None = None) -> int:
    """``before``: the output of a fit whose memory is taken up."""
    began_s = time.monotonic()
    config = with_labels(read_settings(arguments.config, TrainingConfig), arguments.labelled, arguments.output)
    if arguments.progress_json:
        config = config.model_copy(update={"trainer": config.trainer | {"enable_progress_bar": False}})
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    _make_folder(config.output, "output")
    memory = Memory.read(before, config) if before else Memory.of(config)
    with tracking(as_json=arguments.progress_json) as track:
        prepared = prepare(config, track)
        model = fit_model(config, prepared.data, run_dir=config.output, start=start, track=track, memory=memory)
        if getattr(rank_zero_only, "rank", 0):
            return 0  # with several devices each process has fitted the same; one writes the bundle
        path = config.output / "bundle"
        with track("writing the bundle", 0):
            parity = export(
                model,
                golden_pictures(model, prepared.data),
                path,
                {"name": config.name, "training": prepared.record},
                quantise_on=prepared.data if config.int8 or arguments.int8 else None,
                normals=_normals_of(model, prepared.data, memory),
                memory=memory if config.network.train == "head" else None,
            )
        memory.write(config.output)
    told = {"bundle": str(path), "digest": read_bundle(path).digest, "name": config.name}
    if arguments.json:
        print(json.dumps({**told, **summary(model, parity), "seconds": round(time.monotonic() - began_s, 1)}))
    else:
        _tell(path, told["digest"], in_words(model, parity))
    return 0


def _normals_of(model: FittedModel, data: TrainingSet, memory: Memory) -> Normals:
    ways = partial(camera_ways, model, data)
    return normals_of(model, data, memory.ways_on(data.held_out, ways))


def _tell(path: Path, digest: str, words: Iterable[str]) -> None:
    name = escape(str(path))
    console.print(f"[bold green]bundle[/] {name}  [dim]{digest[:12]}[/]", soft_wrap=True)
    for line in words:
        console.print(line, soft_wrap=True)
    console.print(
        f"next: inspector inspect {name} PICTURE…, or name it in a configuration for inspector run", soft_wrap=True
    )


def _make_folder(path: Path, of: str) -> None:
    """At the start, so that hours of work do not end for want of a place to put them."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{of}: cannot make the folder {path}: {error.strerror}") from error


def _evaluate(arguments: argparse.Namespace) -> int:
    bundle = read_bundle(arguments.bundle)
    if arguments.report:
        _make_folder(arguments.report, "--report")
    data = DataSettings(root=arguments.data, normal=arguments.normal)
    pictures = scan(data)
    files = {data.normal: pictures.normal, **pictures.anomalies}
    with tracking() as track, track("judging", sum(map(len, files.values()))) as progress:
        scored = score_files(bundle, files, progress)
    figures = {"bundle": bundle.digest, "threshold": bundle.threshold, **summarise(scored, data.normal)}
    if pixel := localisation(scored, data.normal, data.root):
        figures["pixel"] = pixel
    if arguments.report:
        _draw_report(scored, data, bundle, arguments.report)
    if arguments.json:
        print(json.dumps(figures))
    else:
        _print_figures(figures, bundle)
    return 0


def _draw_report(scored: Sequence[Scored], data: DataSettings, bundle: Bundle, folder: Path) -> None:
    draw_histogram(scored, data.normal, bundle.threshold, folder / "histogram.png")
    draw_roc({bundle.manifest.name: (scored, data.normal)}, folder / "roc.png")
    draw_mistakes(scored, data.normal, bundle.threshold, folder / "mistakes.png")
    draw_overlays(scored, data.normal, data.root, folder / "overlays.png")


def _print_figures(figures: dict[str, Any], bundle: Bundle) -> None:
    proved = f"proved at {figures['confidence']:.0%}"
    table = Table("type", "pictures", "AUROC", "recall", proved, title=escape(bundle.manifest.name))
    for name, own in figures["types"].items():
        table.add_row(escape(name), str(own["pictures"]), *_recall(own))
    table.add_section()
    table.add_row("all", str(figures["anomalies"]), *_recall(figures))
    Console().print(table)
    rejected, most = (_rounded(figures[name]) for name in ("false_reject_rate", "false_reject_rate_at_most"))
    Console().print(
        f"good parts rejected: {rejected} of {figures['normals']}" + (f", {proved}: <= {most}" if most else "")
    )
    if pixel := figures.get("pixel"):
        auroc, pro = _rounded(pixel["auroc"]), _rounded(pixel["pro"])
        Console().print(f"where the defect is, by {pixel['pictures']} masks: pixel AUROC {auroc}, PRO {pro}")


def _recall(figures: dict[str, Any]) -> tuple[str, str, str]:
    """AUROC, recall at the threshold, and what of it is proved, rounded down."""
    least = figures["recall_at_least"]
    proved = "" if least is None else f">= {math.floor(1000 * least) / 1000:.3f}"
    return _rounded(figures["auroc"]), _rounded(figures["recall"]), proved


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
