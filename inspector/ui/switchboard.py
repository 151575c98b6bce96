"""What the page asks of the daemon, over its control socket."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ConfigError, UnreachableError
from inspector.inspection import StationState
from inspector.plc import CommandReply, ModelMessage
from inspector.remote.client import Client


@dataclass(frozen=True, slots=True)
class Now:
    """What a station is doing, and how far a model is on its way to it."""

    state: StationState
    model: ModelMessage | None = None


class Switchboard:
    """``socket``: None where the configuration names none: nothing can be asked then."""

    def __init__(self, socket: Path | None) -> None:
        self._socket = socket

    @property
    def is_there(self) -> bool:
        """Whether the daemon can be asked at all."""
        return self._socket is not None

    def ask(self, command: str, station: str, by: str, **words: Any) -> CommandReply:
        """Have a command carried out. Raises ConfigError without a socket, UnreachableError without a daemon."""
        if self._socket is None:
            raise ConfigError("the configuration names no control socket: control: {socket: …}")
        with closing(Client(self._socket)) as client:
            return client.ask(command, station=station, by=by, **words)

    def now(self, station: str) -> Now | None:
        """None where nothing can be asked; ``offline`` where nobody answers."""
        if self._socket is None:
            return None
        try:
            status = self.ask("status", station, "the operator's page").status
        except UnreachableError:
            return Now(StationState.OFFLINE)
        return Now(status.state, status.model) if status else Now(StationState.OFFLINE)
