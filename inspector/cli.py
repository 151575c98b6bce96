"""The ``inspector`` command, and what its subcommands are called with."""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from inspector import __version__, logs
from inspector.archive import options as archive_options
from inspector.bench import options as bench_options
from inspector.bundle import Bundle, Judgement, read_bundle
from inspector.bundle import options as bundle_options
from inspector.camera_list import options as cameras_options
from inspector.capture import options as capture_options
from inspector.config import Config, read_config
from inspector.daemon import Daemon
from inspector.doctor import options as doctor_options
from inspector.errors import (
    EXIT_CONFIG,
    EXIT_UNAVAILABLE,
    ArchiveError,
    BundleError,
    CameraError,
    ConfigError,
    FrameError,
    ListenError,
    ModelError,
    RecordError,
    UnreachableError,
)
from inspector.inspection import Inspection, Outcome
from inspector.labels import options as labels_options
from inspector.line import load
from inspector.pictures import SUFFIXES, read_picture
from inspector.plc_sim import options as plc_options
from inspector.records import options as records_options
from inspector.remote import options as remote_options
from inspector.ui import options as ui_options

EXIT_BY_OUTCOME: Final = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.ERROR: 3}
"""``inspect`` ends with the worst of its verdicts; 2 is argparse's for a wrong command line."""

SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "config": Config.model_json_schema,
    "result": lambda: Inspection.model_json_schema(mode="serialization"),
}

EPILOG: Final = """examples:
  inspector check /etc/inspector/line-1.yaml
  inspector run /etc/inspector/line-1.yaml
  inspector doctor /etc/inspector/line-1.yaml
  inspector cameras
  inspector capture /etc/inspector/line-1.yaml --station press-1 --to pictures --label normal
  inspector inspect bundles/cells part-0815.png --json
  inspector inspect bundles/cells pictures/
  inspector bundle show bundles/cells
  inspector bundle diff bundles/cells bundles/cells-new
  inspector bench bundles/cells --engine all --stations 1,4 --chart latency.png
  inspector plc-sim press-1 --rate 5 --count 1000
  inspector deploy build/cells/bundle --config line-1.yaml --station press-1 --shadow 200 --wait
  inspector command line-1.yaml status
  inspector records verify /var/lib/inspector/records
  inspector records show /var/lib/inspector/records --part-id lid-0815
  inspector archive list /etc/inspector/line-1.yaml --outcome FAIL
  inspector labels /etc/inspector/line-1.yaml export --station press-1 --to sets/press-1
  inspector schema result

exit status: 0 done, or all PASS; 1 a FAIL, bundles that differ, a broken record, a refusal, or a crash of the daemon;
2 wrong command line; 3 an ERROR verdict; 69 a port cannot be listened on, the disk is full, a camera is lost, or no
daemon can be asked; 78 a mistake in configuration or bundle, told at once
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
    except (ConfigError, BundleError, ModelError) as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    except (ListenError, RecordError, ArchiveError, CameraError, UnreachableError) as error:
        print(error, file=sys.stderr)
        return EXIT_UNAVAILABLE
    return status


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "inspector", description="Inspect parts on a manufacturing line.", epilog=EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="inspect until SIGTERM")
    run.add_argument("config", type=Path, help="configuration file, YAML")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="read a configuration and its bundles, and say every mistake")
    check.add_argument("config", type=Path, help="configuration file, YAML")
    check.set_defaults(command=_check)

    _add_camera_commands(commands)

    inspect = commands.add_parser("inspect", help="judge pictures from files")
    inspect.add_argument("bundle", type=Path, help="folder of a model bundle")
    inspect.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files, or folders of them")
    inspect.add_argument("--json", action="store_true", help="one JSON object a picture instead of the table")
    inspect.set_defaults(command=_inspect)

    bundle = commands.add_parser(
        "bundle",
        help="show a bundle and its calibrations, how two differ, or set a threshold",
        description=bundle_options.DESCRIPTION,
        epilog=bundle_options.EPILOG,
        formatter_class=raw,
    )
    bundle_options.add_arguments(bundle)
    bundle.set_defaults(command=_bundle)

    doctor = commands.add_parser(
        "doctor",
        help="look at all that a line needs, and say what to do about what is wrong",
        description=doctor_options.DESCRIPTION,
        epilog=doctor_options.EPILOG,
        formatter_class=raw,
    )
    doctor_options.add_arguments(doctor)
    doctor.set_defaults(command=_doctor)

    bench = commands.add_parser(
        "bench", help="measure how fast a bundle is here", description=bench_options.DESCRIPTION
    )
    bench_options.add_arguments(bench)
    bench.set_defaults(command=_bench)

    plc_sim = commands.add_parser(
        "plc-sim",
        help="trigger a station as a PLC does, and check what it answers",
        description=plc_options.DESCRIPTION,
        epilog=plc_options.EPILOG,
        formatter_class=raw,
    )
    plc_options.add_arguments(plc_sim)
    plc_sim.set_defaults(command=_plc_sim)

    records = commands.add_parser(
        "records", help="read what stations have said", description=records_options.DESCRIPTION
    )
    records_options.add_arguments(records)
    records.set_defaults(command=_records)

    archive = commands.add_parser(
        "archive",
        help="the pictures that a daemon has kept: find, hold and prune them",
        description=archive_options.DESCRIPTION,
        epilog=archive_options.EPILOG,
        formatter_class=raw,
    )
    archive_options.add_arguments(archive)
    archive.set_defaults(command=_archive)
    for name, about, epilog, add in (
        ("deploy", remote_options.DEPLOY, remote_options.DEPLOY_EPILOG, remote_options.add_deploy),
        ("rollback", remote_options.ROLLBACK, remote_options.ROLLBACK_EPILOG, remote_options.add_rollback),
        ("command", remote_options.COMMAND, remote_options.COMMAND_EPILOG, remote_options.add_command),
    ):
        remote = commands.add_parser(
            name, help=about.split(":", 1)[0], description=about, epilog=epilog, formatter_class=raw
        )
        add(remote)
        remote.set_defaults(command=_remote, remote=name)

    ui = commands.add_parser(
        "ui",
        help="serve the operator's page",
        description=ui_options.PAGE,
        epilog=ui_options.PAGE_EXAMPLES,
        formatter_class=raw,
    )
    ui_options.add_page_arguments(ui)
    ui.set_defaults(command=_ui)

    accounts = commands.add_parser(
        "accounts",
        help="who may log in to the operator's page",
        description=ui_options.ACCOUNTS,
        epilog=ui_options.ACCOUNTS_EXAMPLES,
        formatter_class=raw,
    )
    ui_options.add_account_arguments(accounts)
    accounts.set_defaults(command=_accounts)

    labels = commands.add_parser(
        "labels",
        help="what people said of parts on the operator's page, also as a training set",
        description=labels_options.DESCRIPTION,
        epilog=labels_options.EPILOG,
        formatter_class=raw,
    )
    labels_options.add_arguments(labels)
    labels.set_defaults(command=_labels)

    schema = commands.add_parser("schema", help="print a JSON Schema")
    schema.add_argument("of", choices=sorted(SCHEMAS), help="the daemon's configuration, or the MQTT result message")
    schema.set_defaults(command=_schema)
    return parser


def _add_camera_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    cameras = commands.add_parser(
        "cameras",
        help="list the cameras that are connected",
        description=cameras_options.DESCRIPTION,
        epilog=cameras_options.EPILOG,
        formatter_class=raw,
    )
    cameras_options.add_arguments(cameras)
    cameras.set_defaults(command=_cameras)

    capture = commands.add_parser(
        "capture",
        help="collect a training set from a station's camera",
        description=capture_options.DESCRIPTION,
        epilog=capture_options.EPILOG,
        formatter_class=raw,
    )
    capture_options.add_arguments(capture)
    capture.set_defaults(command=_capture)


def _run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    logs.configure(config.logging.level, config.logging.format)
    # Modules and classes live as long as the process: a collection that leaves them out holds no verdict up.
    gc.freeze()
    return Daemon(config, arguments.config).run()


def _check(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    for station in config.stations:
        bundle = load(station, config)
        if bundle:
            what = f"bundle {bundle.manifest.name} {bundle.digest[:12]} by {bundle.engine}"
        else:
            what = "no model yet, every part is ERROR until one is deployed"
        print(f"{station.name}: {what}, {station.camera.kind} camera: good")
    if config.archive:
        config.archive.check()
    return 0


def _cameras(arguments: argparse.Namespace) -> int:
    from inspector.camera_list.command import cameras  # noqa: PLC0415 - the daemon looks for no cameras

    return cameras(arguments)


def _capture(arguments: argparse.Namespace) -> int:
    from inspector.capture.command import capture  # noqa: PLC0415 - the daemon collects nothing

    return capture(arguments)


def _inspect(arguments: argparse.Namespace) -> int:
    bundle = read_bundle(arguments.bundle)
    verdicts = [_judge_file(bundle, path) for path in _files(arguments.images)]
    if arguments.json:
        for verdict in verdicts:
            print(json.dumps(verdict))
    else:
        _print_table(verdicts, bundle.threshold)
    return max((EXIT_BY_OUTCOME[verdict["outcome"]] for verdict in verdicts), default=0)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [file for file in inside if not path.is_dir() or file.suffix.lower() in SUFFIXES]
    return found


def _judge_file(bundle: Bundle, path: Path) -> dict[str, Any]:
    try:
        picture = bundle.prepare(read_picture(path))
    except FrameError as error:
        return _verdict(path, Judgement(Outcome.ERROR, None)) | {"reason": str(error)}
    (judgement,) = bundle.judge(bundle.embedder.embed(picture[None]))
    return _verdict(path, judgement) | {"threshold": bundle.threshold}


def _verdict(path: Path, judgement: Judgement) -> dict[str, Any]:
    return {
        "file": str(path),
        "outcome": judgement.outcome,
        "review": judgement.review,
        "score": judgement.score,
        "nearest_type": judgement.nearest_type,
        "type_confidence": judgement.type_confidence,
    }


def _print_table(verdicts: list[dict[str, Any]], threshold: float) -> None:
    from rich.console import Console  # noqa: PLC0415 - a daemon draws no tables
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("picture", "outcome", "score", "nearest type", caption=f"a score above {threshold:.4g} is FAIL")
    colours = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.ERROR: "yellow"}
    for verdict in verdicts:
        score = "" if verdict["score"] is None else f"{verdict['score']:.4g}"
        outcome = verdict["outcome"]
        table.add_row(verdict["file"], f"[{colours[outcome]}]{outcome}", score, _note(verdict))
    Console().print(table)


def _note(verdict: dict[str, Any]) -> str:
    """Why there is no verdict, or what the picture looks like, how sure that is, and whether a person should look."""
    said = [verdict.get("reason") or verdict["nearest_type"] or ""]
    if verdict["type_confidence"] is not None:
        said = [f"{verdict['nearest_type']} {100 * verdict['type_confidence']:.0f} %"]
    return ", ".join([*filter(None, said), *(["review"] if verdict["review"] else [])])


def _bundle(arguments: argparse.Namespace) -> int:
    from inspector.bundle.command import bundle  # noqa: PLC0415 - a daemon draws no tables

    return bundle(arguments)


def _bench(arguments: argparse.Namespace) -> int:
    from inspector.bench.command import bench  # noqa: PLC0415 - a daemon draws no tables

    return bench(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from inspector.doctor.command import doctor  # noqa: PLC0415 - a daemon draws no tables

    return doctor(arguments)


def _plc_sim(arguments: argparse.Namespace) -> int:
    from inspector.plc_sim.command import simulate  # noqa: PLC0415 - a daemon draws no tables

    return simulate(arguments)


def _records(arguments: argparse.Namespace) -> int:
    from inspector.records.command import records  # noqa: PLC0415 - a daemon draws no tables

    return records(arguments)


def _archive(arguments: argparse.Namespace) -> int:
    from inspector.archive.command import archive  # noqa: PLC0415 - a daemon draws no tables

    settings = read_config(arguments.config).archive
    if settings is None:
        raise ConfigError(
            f"{arguments.config}: it keeps no pictures; say where under archive:, as configs/inspector/line.yaml"
        )
    return archive(arguments, settings)


def _ui(arguments: argparse.Namespace) -> int:
    with _with_the_page():
        from inspector.ui.command import serve  # noqa: PLC0415 - an extra, and a daemon serves no pages
    return serve(arguments)


def _accounts(arguments: argparse.Namespace) -> int:
    with _with_the_page():
        from inspector.ui.command import manage  # noqa: PLC0415 - as above
    return manage(arguments)


def _labels(arguments: argparse.Namespace) -> int:
    from inspector.labels.command import labels  # noqa: PLC0415 - a daemon draws no tables

    return labels(arguments)


@contextmanager
def _with_the_page() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError(f"the operator's page needs {error.name}: pip install 'line-inspector[ui]'") from error


def _remote(arguments: argparse.Namespace) -> int:
    from inspector.remote import command  # noqa: PLC0415 - a daemon asks nothing of itself

    commands = {"deploy": command.deploy, "rollback": command.rollback, "command": command.command}
    return commands[arguments.remote](arguments)


def _schema(arguments: argparse.Namespace) -> int:
    print(json.dumps(SCHEMAS[arguments.of](), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
