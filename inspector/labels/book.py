"""All labels, read out of the operator's page's own record, whose notes they are: there is no second place for them."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from inspector.errors import ConfigError
from inspector.labels.label import Anomaly, Label
from inspector.operator_page import AUDIT
from inspector.records.filter import Filter
from inspector.records.reading import Row, reading
from inspector.records.schema import file_of

LABEL: Final = "label"
"""The kind of the notes that are labels."""


@dataclass(frozen=True)
class Book:
    """Labels by inspection, withdrawn ones too; anomaly types by station and name, as they were said last."""

    labels: Mapping[str, Label] = field(default_factory=dict)
    anomalies: Mapping[str, Mapping[str, Anomaly]] = field(default_factory=dict)

    def of(self, inspection_id: str) -> Label | None:
        """What counts of an inspection, None where nobody has said anything that does."""
        label = self.labels.get(inspection_id)
        return label if label and label.says else None

    def lasting(self, station: str | None = None) -> list[Label]:
        """Those that count, of a station or of all; the oldest inspection first."""
        labels = (self.labels[each] for each in sorted(self.labels))
        return [label for label in labels if label.says and station in {None, label.station}]

    def plus(self, said: Iterable[Label]) -> "Book":
        """With what was said since."""
        labels, anomalies = dict(self.labels), {name: dict(known) for name, known in self.anomalies.items()}
        for label in said:
            labels[label.inspection] = label
            if label.anomaly:
                anomalies.setdefault(label.station, {})[label.anomaly.type] = label.anomaly
        return Book(labels, anomalies)


class Labels:
    """``folder``: the page's. Also while the page writes there; any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._file = file_of(folder, AUDIT)
        self._book, self._last = Book(), 0
        self._reading = Lock()

    def read(self) -> Book:
        """As they are now. Raises ConfigError where the record cannot be read."""
        with self._reading:
            rows = self._new_rows() if self._file.exists() else []
            if rows:
                self._book = self._book.plus(Label.model_validate_json(row.payload) for row in rows)
                self._last = rows[-1].number
            return self._book

    def _new_rows(self) -> list[Row]:
        try:
            with reading(self._file) as connection:
                return list(Filter(kind=LABEL, above=self._last).all(connection))
        except sqlite3.Error as error:
            raise ConfigError(f"{self._file}: cannot be read: {error}") from error
