"""What ``inspector deploy``, ``rollback`` and ``command`` do."""

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from inspector.config import Config, read_config
from inspector.errors import ConfigError
from inspector.models import Store
from inspector.models.pointer import pointed_to
from inspector.models.seat import short
from inspector.plc import CommandReply, ModelMessage, ModelOutcome, ModelStep
from inspector.remote.client import Client

LOOK_S: Final = 0.5
"""How often a deployment that is waited for is looked at."""


def deploy(arguments: argparse.Namespace) -> int:
    """Returns the exit status."""
    config = read_config(arguments.config)
    station = _station(config, arguments.station)
    if config.models is None:
        raise ConfigError(f"{arguments.config}: names no store of bundles; add models: {{folder: …}}")
    store = Store(config.models.folder)
    with closing(_client(config, arguments.config)) as client:
        is_folder = Path(arguments.bundle).is_dir()
        digest = store.add(Path(arguments.bundle)) if is_folder else store.find(arguments.bundle)
        asked = {name: getattr(arguments, name) for name in ("shadow", "min_agreement", "probation")}
        reply = client.ask("deploy", station=station, bundle=digest, **asked)
        store.prune(config.models.keep, {digest, *pointed_to(config.models.folder)})
        _print(reply, arguments)
        if reply.accepted and arguments.wait:
            return 0 if _waited(client, station, arguments).outcome is ModelOutcome.DEPLOYED else 1
    return 0 if reply.accepted else 1


def rollback(arguments: argparse.Namespace) -> int:
    """Returns the exit status."""
    config = read_config(arguments.config)
    station = _station(config, arguments.station)
    with closing(_client(config, arguments.config)) as client:
        reply = client.ask("rollback", station=station)
    _print(reply, arguments)
    return 0 if reply.accepted else 1


def command(arguments: argparse.Namespace) -> int:
    """Returns the exit status."""
    config, name = read_config(arguments.config), arguments.command_name
    with closing(_client(config, arguments.config)) as client:
        if arguments.station is None and name == "status":
            asked: list[dict[str, Any]] = [{"station": each.name} for each in config.stations]
        elif arguments.station is None and name == "reload":
            asked = [{}]
        else:
            asked = [{"station": _station(config, arguments.station)}]
        words = {key: getattr(arguments, key) for key in ("alarm", "recipe") if getattr(arguments, key) is not None}
        replies = [client.ask(name, **each, **words) for each in asked]
    for reply, each in zip(replies, asked, strict=True):
        _print(reply, arguments, each.get("station"))
    return 0 if all(reply.accepted for reply in replies) else 1


def _client(config: Config, path: Path) -> Client:
    if config.control is None:
        raise ConfigError(f"{path}: names no control socket; add control: {{socket: …}} and restart the daemon")
    return Client(config.control.socket)


def _station(config: Config, wanted: str | None) -> str:
    names = [station.name for station in config.stations]
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted not in names:
        raise ConfigError(f"which station? --station {' or '.join(names)}")
    return wanted


def _waited(client: Client, station: str, arguments: argparse.Namespace) -> ModelMessage:
    """The last step, once there is none to come; each is printed."""
    said = None
    while True:
        reply = client.ask("status", station=station)
        model = reply.status.model if reply.status else None
        if model is None:
            raise ConfigError(f"{station}: cannot be asked for its model any more: {reply.message}")
        if model != said:
            said = model
            print(model.model_dump_json() if arguments.json else f"{model.step}: {model.message}", flush=True)
        if model.step is ModelStep.SETTLED:
            return model
        time.sleep(LOOK_S)


def _print(reply: CommandReply, arguments: argparse.Namespace, station: str | None = None) -> None:
    if arguments.json:
        print(reply.model_dump_json(exclude_none=True), flush=True)
    elif reply.status:
        status = reply.status
        verdicts = ", ".join(f"{count} {outcome}" for outcome, count in status.verdicts.items())
        print(f"{station}: {status.state}, {short(status.bundle)}, {status.rate_hz:g} a second, {verdicts}")
    else:
        print(reply.message if reply.accepted else f"refused: {reply.message}", flush=True)
