"""Commands of this machine: a Unix socket, a line of JSON for each command, a line for its reply.

Who asks is told by the kernel (SO_PEERCRED), and not by the message alone, which may say for whom; who may is told by
the rights of the socket's file.
"""

import logging
import os
import pwd
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from threading import BoundedSemaphore, Thread
from typing import Any, Final

from inspector.commands import Answer
from inspector.errors import ListenError, MessageError
from inspector.plc import LARGEST_MESSAGE, NOBODY, CommandMessage, CommandReply, Name, read_message

log = logging.getLogger(__name__)

MOST_CLIENTS: Final = 16
SILENCE_S: Final = 60.0
"""A client that has said nothing for so long is let go."""

LONGEST_WORK_S: Final = 300.0
"""A command that is sent again while it is at work is not answered twice; its client is told to look elsewhere."""

STOP_S: Final = 0.1
"""How late the end is noticed."""

MODE: Final = 0o660
CREDENTIALS: Final = struct.Struct("3i")
"""Process, user and group. Source: unix(7), SO_PEERCRED."""


class LocalCommand(CommandMessage):
    """A line of a client. ``by`` is for whom it asks; who it is, the kernel says."""

    station: Name | None = None
    """Which station; without it the daemon as a whole, which knows ``reload`` alone."""

    def for_station(self) -> CommandMessage:
        """As a station hears it; with who asks, ``by`` may be longer than a message's can be."""
        return CommandMessage.model_construct(**self.model_dump(exclude={"station"}))


Ask = Callable[[LocalCommand, Answer], None]


@contextmanager
def listening(path: Path, ask: Ask) -> Iterator[None]:
    """Serve while the block runs. Raises ListenError."""
    try:
        _remove_left_over(path)
        before = os.umask(0o777 & ~MODE)
        try:
            server = _Server(path, ask)
        finally:
            os.umask(before)
    except OSError as error:
        raise ListenError(f"control: cannot listen on {path}: {error.strerror}; is its folder there?") from error
    thread = Thread(target=server.serve_forever, args=(STOP_S,), name="control", daemon=True)
    thread.start()
    log.info("commands are taken at %s", path)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """A daemon that was killed has left its socket behind; that of a living one answers."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX) as probe, suppress(ConnectionRefusedError):
        probe.connect(str(path))
        raise ListenError(f"control: another inspector listens on {path}; stop it, or name another socket")
    path.unlink()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CLIENTS

    def __init__(self, path: Path, ask: Ask) -> None:
        self.ask = ask
        self._places = BoundedSemaphore(MOST_CLIENTS)
        super().__init__(str(path), _Client)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - socketserver's signature
        """One client more, if there is a place for it."""
        return self._places.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back in the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """A client that went away, or fell silent; whatever else it is, is a bug, as in every other thread."""
        error = sys.exception()
        if isinstance(error, OSError):
            log.info("a client of the control socket was let go: %s", error)
        else:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


class _Client(StreamRequestHandler):
    server: _Server
    timeout = SILENCE_S

    def handle(self) -> None:
        by = _peer(self.connection)
        while line := self.rfile.readline(LARGEST_MESSAGE + 1):
            self.wfile.write(self._reply(line, by).model_dump_json().encode() + b"\n")
            if not line.endswith(b"\n"):
                return  # too long, or cut off: where the next message begins is not known

    def _reply(self, line: bytes, by: str) -> CommandReply:
        try:
            message = read_message(line, LocalCommand)
            message = message.model_copy(update={"by": by if message.by == NOBODY else f"{message.by} by way of {by}"})
        except MessageError as error:
            return CommandReply(id=None, command=None, by=by, accepted=False, message=str(error))
        reply: Future[CommandReply] = Future()
        self.server.ask(message, reply.set_result)
        try:
            return reply.result(LONGEST_WORK_S)
        except TimeoutError:
            said = "no answer yet; ask for the status"
            return CommandReply(id=message.id, command=message.command, by=by, accepted=False, message=said)


def _peer(connection: socket.socket) -> str:
    _, user, _ = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    try:
        return f"{pwd.getpwuid(user).pw_name} (uid {user})"
    except KeyError:
        return f"uid {user}"
