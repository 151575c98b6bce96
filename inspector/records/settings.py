"""The ``record:`` section of a configuration."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from typing import Final

from pydantic import PositiveFloat, PositiveInt

from inspector.inspection import utc_now
from inspector.records.drops import Drops
from inspector.records.lookup import Lookup
from inspector.records.outbox import Bounds, Outbox
from inspector.records.record import Record
from inspector.records.schema import Durability, as_config_error, file_of, lock, open_for_writing
from inspector.records.space import Space
from inspector.records.store import Keep, Store
from inspector.records.trouble import Trouble
from inspector.records.unwritten import MOST, Unwritten
from inspector.settings import ConfigPath, Settings

GIB: Final = 2**30
DAY_S: Final = 86_400.0


class RecordSettings(Settings):
    """Everything that a station says, in one SQLite file for each station, and what its sinks have yet to deliver."""

    folder: ConfigPath
    """Where the files are, on a local disk; made if it is missing. A relative path is taken from the folder of the
    configuration file."""
    durability: Durability = "process"
    """``process``: what was said is kept even if the daemon is killed; a power cut may take the last 5 seconds.
    ``power``: the disk has it before it is said; each inspection waits for the disk."""
    keep_days: PositiveFloat = 365
    """Rows that are older are taken away."""
    keep_rows: PositiveInt = 5_000_000
    """Of more rows the oldest are taken away; a million inspections take about a gigabyte."""
    outbox_rows: PositiveInt = 1_000_000
    """Most results that wait for one sink; of more the oldest are never delivered, and counted."""
    outbox_bytes: PositiveInt = GIB
    """Most bytes of results that wait for one sink; of more the oldest are never delivered, and counted."""
    outbox_age_s: PositiveFloat = 7 * DAY_S
    """Results that wait for longer are never delivered, and counted."""

    def open(
        self,
        station: str,
        receivers: Sequence[str],
        on_trouble: Callable[[str | None], None] | None = None,
        *,
        now: Callable[[], datetime] = utc_now,
        most_in_memory: int = MOST,
    ) -> Record:
        """The station's record, made where there is none; ``receivers`` are the sinks that each inspection waits for.

        ``on_trouble`` is called with a message when the disk begins to refuse rows and with None when it has all of
        them; in one thread at a time, which holds no lock, so that it may append. Raises ConfigError for a folder or
        file that cannot be used, and RecordError where that may pass by itself.
        """
        file = file_of(self.folder, station)
        bounds = Bounds(self.outbox_rows, self.outbox_bytes, self.outbox_age_s)
        keep = Keep(self.keep_days, self.keep_rows)
        with as_config_error(file), ExitStack() as opened:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            opened.enter_context(lock(file))
            connection = opened.enter_context(closing(open_for_writing(file, station, self.durability)))
            outbox, drops = Outbox(connection, receivers, bounds), Drops(station, receivers)
            store = Store(connection, file, outbox=outbox, drops=drops, keep=keep, now=now)
            opened.enter_context(closing(store))
            store.forget_receivers(receivers)
            lookup = opened.enter_context(closing(Lookup(file, station)))
            return Record(
                station,
                receivers=receivers,
                store=store,
                lookup=lookup,
                unwritten=Unwritten(most_in_memory),
                trouble=Trouble(file, station, most_in_memory, on_trouble),
                space=Space(self.folder, station),
                opened=opened.pop_all(),
            )
