"""bdSeq, the number that ties a death certificate to the birth before it."""

import logging
import os
from pathlib import Path
from typing import Final

from inspector.errors import ConfigError

log = logging.getLogger(__name__)

NUMBERS: Final = 256


class BirthNumber:
    """Rises by one with each CONNECT, from 0, and returns to 0 after 255. ``file`` remembers it over restarts.

    Source: ``tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq``. Raises ConfigError when the file
    cannot be written.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._last = self._read(file) if file else NUMBERS - 1

    def next(self) -> int:
        """The number of the CONNECT that goes out next."""
        self._last = (self._last + 1) % NUMBERS
        if self._file:
            try:
                self._write(self._file)
            except OSError as error:
                # A number that comes again after a restart is the lesser evil beside a line without its SCADA.
                log.error("cannot remember the Sparkplug session in %s: %s", self._file, error)  # noqa: TRY400
        return self._last

    def _read(self, file: Path) -> int:
        try:
            text = file.read_text(encoding="ascii", errors="replace") if file.exists() else None
            if not os.access(file.parent, os.W_OK):
                raise PermissionError("its folder cannot be written")
        except OSError as error:
            raise ConfigError(f"sparkplug.state_folder: cannot use {file}: {error}; is the folder there?") from error
        if text is None or text.strip().isdigit():
            return int(text) % NUMBERS if text else NUMBERS - 1
        # No reason for a line to stand still: hosts only compare a death with the birth before it.
        log.warning("%s holds no number: the Sparkplug sessions are counted from 0 again", file)
        return NUMBERS - 1

    def _write(self, file: Path) -> None:
        beside = file.with_suffix(".new")
        with beside.open("w", encoding="ascii") as content:
            content.write(f"{self._last}\n")
            content.flush()
            os.fsync(content.fileno())
        beside.replace(file)
