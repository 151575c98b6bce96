"""A connection to the control socket of a daemon."""

import json
import socket
from pathlib import Path
from typing import Any, Final

from ulid import ULID

from inspector.errors import UnreachableError
from inspector.plc import NOBODY, CommandReply

LONGEST_REPLY_S: Final = 600.0
"""A deployment is replied to when the bundle is loaded and proved; the daemon gives up before."""


class Client:
    """Open until ``close``. Raises UnreachableError, at the start and whenever the daemon goes away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise self._away(error) from error
        self._socket.settimeout(LONGEST_REPLY_S)
        self._file = self._socket.makefile("rwb")

    def ask(self, command: str, **arguments: Any) -> CommandReply:
        """The reply to one command; ``by`` says for whom it is asked, where that is not who runs this process."""
        message = {"id": str(ULID()), "command": command, "by": NOBODY, **arguments}
        try:
            self._file.write(json.dumps(message).encode() + b"\n")
            self._file.flush()
            line = self._file.readline()
        except OSError as error:
            raise self._away(error) from error
        if not line:
            raise UnreachableError(f"{self._path}: the daemon hung up; it has ended, or has too many clients")
        return CommandReply.model_validate_json(line)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _away(self, error: OSError) -> UnreachableError:
        advice = "is the daemon running, and may you use its socket?"
        return UnreachableError(f"{self._path}: no daemon can be asked: {error.strerror or error}; {advice}")
