"""Reading the CSV files of a study: cells that are there, and mistakes told by file, line and column."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    file: Path
    line: int
    cells: dict[str, str]
    """By column, without the spaces around them."""
    surplus: bool = False
    """Whether the line has more cells than there are columns."""

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def mistake(self, column: str, what: str) -> str:
        """A line of the message."""
        return f"{self.file}, line {self.line}, column {column!r}: {what}"


def read_rows(file: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a CSV file, UTF-8, with commas, or semicolons as a German Excel writes them; blank lines are none.

    Other columns than those that are asked for are left out. Raises DataError for a file that cannot be read, a column
    that is missing, a file without rows, and for all empty cells at once.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = text.readline()
            text.seek(0)
            reader = csv.DictReader(text, delimiter=";" if ";" in header else ",", strict=True)
            names = [name.strip().lower() for name in reader.fieldnames or ()]
            if missing := [column for column in columns if column not in names]:
                raise DataError(
                    f"{file}, line 1: no column {', '.join(map(repr, missing))}; "
                    f"the first line has to name the columns {', '.join(columns)}"
                )
            reader.fieldnames = names
            rows = [_row(file, reader.line_num, cells, columns) for cells in reader]
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); correct the path or its permissions") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: is not UTF-8 ({error.reason}); save it as CSV UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: no CSV ({error}); save it as CSV UTF-8") from error
    refuse_if(
        f"{file}, line {row.line}: more cells than columns; put text that holds a separator in double quotes"
        for row in rows
        if row.surplus
    )
    refuse_if(
        row.mistake(column, "the cell is empty; fill it in") for row in rows for column in columns if not row[column]
    )
    if not rows:
        raise DataError(f"{file}: has no rows below its first line; add one for each presentation")
    return rows


def refuse_if(mistakes: Iterable[str]) -> None:
    """Raise DataError with all mistakes, if there are any."""
    if found := list(mistakes):
        raise DataError("\n".join(found))


def _row(file: Path, line: int, cells: dict[Any, Any], columns: Sequence[str]) -> Row:
    return Row(file, line, {column: (cells.get(column) or "").strip() for column in columns}, None in cells)
