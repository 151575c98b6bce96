"""What ``inspector plc-sim`` does: triggers at a rate, shows what comes of it, and tells in the end."""

import argparse
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from itertools import count as endless
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.live import Live

from inspector.errors import ConfigError
from inspector.plc_sim.log import TriggerLog
from inspector.plc_sim.parts import Truth, by_name, in_turn, numbered, read_truth
from inspector.plc_sim.plc import Plc
from inspector.plc_sim.table import table
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_settings import TlsSettings

LOOK_S: Final = 0.5
"""How often the table is drawn and the log written."""


def simulate(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status. Raises ConfigError for wrong settings.

    Ctrl-C ends the triggers; what is under way is waited for, and all is told.
    """
    parts, truth = _parts(arguments)
    with TriggerLog(arguments.log) as log, _connected(arguments, truth) as plc:
        with suppress(KeyboardInterrupt):
            _send(arguments, parts, plc, log)
        with suppress(KeyboardInterrupt):
            plc.settle()
        log.write(plc.ledger, until_s=float("inf"))
        figures = plc.figures()
    Console().print(table(figures, arguments.station))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    return 1 if figures.breaches else 0


def _parts(arguments: argparse.Namespace) -> tuple[Iterator[str], Truth]:
    if arguments.truth:
        return read_truth(arguments.truth)
    return (in_turn(arguments.parts) if arguments.parts is not None else numbered()), by_name


def _connected(arguments: argparse.Namespace, truth: Truth) -> Plc:
    settings = _settings(arguments)
    broker = settings.broker(arguments.station, arguments.client_id)
    topic = f"{settings.prefix}/{arguments.station}"
    plc = Plc(
        settings.client(broker.client_id),
        broker,
        topic,
        reply_topic=None if arguments.plain else f"{topic}/answer/{broker.client_id}",
        margin_ms=arguments.margin_ms,
        is_defect=truth,
    )
    plc.connect(settings.host, settings.port)
    return plc


def _settings(arguments: argparse.Namespace) -> MqttSettings:
    """The options as the daemon's own settings take them. Raises ConfigError with every mistake."""
    tls = {"ca_file": arguments.ca_file, "cert_file": arguments.cert_file, "key_file": arguments.key_file}
    given = {key: value for key, value in tls.items() if value}
    if given and "ca_file" not in given:
        raise ConfigError("--cert-file and --key-file are of no use without --ca-file: TLS begins with it")
    try:
        return MqttSettings(
            host=arguments.host,
            port=arguments.port or (8883 if given else 1883),
            prefix=arguments.prefix,
            version="3.1.1" if arguments.plain else "5",
            username=arguments.username,
            password_file=arguments.password_file,
            tls=TlsSettings.model_validate(given) if given else None,
        )
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigError("plc-sim: " + "; ".join(mistakes)) from error


def _send(arguments: argparse.Namespace, parts: Iterator[str], plc: Plc, log: TriggerLog) -> None:
    """Trigger at the rate, with a live table where somebody looks."""
    console = Console()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        for due_s, burst in _bursts(arguments):
            while (wait_s := due_s - time.monotonic()) > 0:
                time.sleep(min(wait_s, LOOK_S))
                log.write(plc.ledger)
                if console.is_terminal:
                    live.update(table(plc.figures(), arguments.station), refresh=True)
            for _ in range(burst):
                twice = random.random() < arguments.duplicate  # noqa: S311 - no secret
                plc.trigger(next(parts), arguments.deadline_ms, recipe=arguments.recipe, copies=1 + twice)


def _bursts(arguments: argparse.Namespace) -> Iterator[tuple[float, int]]:
    """When, on an absolute schedule by the monotonic clock, how many triggers are due."""
    started_s, left = time.monotonic(), arguments.count or float("inf")
    for number in endless():
        burst = int(min(arguments.burst, left))
        if not burst:
            return
        left -= burst
        yield started_s + number * arguments.burst / arguments.rate, burst
