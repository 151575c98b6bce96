"""Everything that can go wrong and is not a bug, as one small tree.

A ``ConfigError``, ``DataError`` or ``BundleError`` stops the start with one readable message and exit status 78.
A ``FrameError`` spoils one inspection, a ``CameraError`` one camera session, a ``SinkError`` one publication:
the station answers ERROR or counts it, and goes on. Any other exception is a bug and ends the process.
"""

from typing import Final

EXIT_CONFIG: Final = 78
"""Exit status of a user's mistake, EX_CONFIG of sysexits.h; systemd is told not to restart on it."""

EXIT_UNAVAILABLE: Final = 69
"""Exit status when something that may come back is missing, EX_UNAVAILABLE of sysexits.h."""


class InspectorError(Exception):
    """A failure whose message is meant for the line engineer: what happened, to what, and what to do next."""


class ConfigError(InspectorError):
    """The configuration cannot be used; the message lists every mistake with its key path and line."""


class DataError(InspectorError):
    """The pictures cannot be used for training; the message lists every bad file with its path."""


class BundleError(InspectorError):
    """The model bundle is missing, damaged or of another format version."""


class ModelError(InspectorError):
    """Another model cannot take over at a station; what judges goes on."""


class CameraError(InspectorError):
    """The camera is lost: the station answers ERROR and opens it again with back-off."""


class ListenError(InspectorError):
    """A port cannot be listened on, now; the process ends with status 69, and systemd tries again."""


class UnreachableError(InspectorError):
    """No daemon answers a command of this machine; the command ends with status 69."""


class RecordError(InspectorError):
    """A record cannot be opened now, perhaps for a full disk; the start ends with 69, and systemd tries again."""


class ArchiveError(InspectorError):
    """The archive cannot be read or changed now; a command ends with 69, a daemon goes on and says so."""


class FrameError(InspectorError):
    """One picture cannot be judged although the camera goes on.

    ``reason`` is the short word that goes out with the ERROR verdict, ``part_id`` the part that it belongs to.
    """

    def __init__(self, message: str, *, reason: str, part_id: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.part_id = part_id


class MessageError(InspectorError):
    """A trigger or a command that breaks a rule; it is answered where it can be, and counted."""


class SinkError(InspectorError):
    """A result could not be handed to a sink; it is counted, the sink is degraded, inspection goes on."""
