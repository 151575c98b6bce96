"""The durable record of what stations say: one SQLite file for each, its rows chained by their hashes.

``RecordSettings.open`` gives the daemon a station's ``Record``; ``inspector records`` reads the files. Where none is
kept, ``MemoryRecord`` numbers what a station says and holds what its sinks have yet to deliver.
"""

from inspector.records.memory import MemoryRecord
from inspector.records.record import Record
from inspector.records.settings import RecordSettings

__all__ = ["MemoryRecord", "Record", "RecordSettings"]
