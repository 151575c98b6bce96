"""Rows as files for other programs: CSV, JSON lines, Parquet."""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from inspector.arguments import STANDARD_OUTPUT
from inspector.errors import ConfigError
from inspector.records.chain import canonical
from inspector.records.reading import Row
from inspector.records.rows import escaped

TEXTS: Final = (
    "station", "id", "trigger_id", "part_id", "outcome", "reason", "nearest_type", "captured_at", "picture", "bundle",
    "config",
)  # fmt: skip
NUMBERS: Final = ("score", "threshold", "type_confidence")

IN_A_GROUP: Final = 10_000
"""Rows of one row group of a Parquet file: what is in memory at once."""


def export(rows: Iterable[Row], form: str, output: Path) -> None:
    """Write the rows to ``output``, which is there as a whole or not at all. Raises ConfigError."""
    write = WRITERS[form]
    if output == STANDARD_OUTPUT:
        if form == "parquet":
            raise ConfigError("parquet cannot go to standard output; name a file as --output")
        write(rows, output)
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        write(rows, draft)
        draft.replace(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def as_columns(row: Row) -> dict[str, Any]:
    """A row as a line of a table: what an inspection says, its latency, and all of it once more as JSON."""
    content = row.content
    texts = {name: None if content.get(name) is None else escaped(content[name]) for name in TEXTS}
    return {
        "number": row.number,
        "kind": row.kind,
        "sequence": content.get("sequence"),
        **texts,
        **{name: content.get(name) for name in NUMBERS},
        "review": content.get("review"),
        "total_ms": content.get("timings_ms", {}).get("total"),
        "payload": row.payload,
        "hash": row.hash.hex(),
    }


def as_object(row: Row) -> dict[str, Any]:
    """A row as JSON has it."""
    return {"number": row.number, "kind": row.kind, "payload": row.content, "hash": row.hash.hex()}


def _write_csv(rows: Iterable[Row], output: Path) -> None:
    with _text(output) as file:
        table = csv.DictWriter(file, as_columns(Row(0, "", "{}", b"")))
        table.writeheader()
        table.writerows(map(as_columns, rows))


def _write_json(rows: Iterable[Row], output: Path) -> None:
    with _text(output) as file:
        file.writelines(canonical(as_object(row)) + "\n" for row in rows)


def _write_parquet(rows: Iterable[Row], output: Path) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigError("parquet needs pyarrow: pip install 'line-inspector[parquet]'") from error
    types = {"number": pa.int64(), "sequence": pa.int64(), "review": pa.bool_(), "total_ms": pa.float64()}
    types |= dict.fromkeys(NUMBERS, pa.float64())
    names = as_columns(Row(0, "", "{}", b""))
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    left = iter(rows)
    with parquet.ParquetWriter(output, schema) as file:
        while group := [as_columns(row) for row in islice(left, IN_A_GROUP)]:
            file.write_table(pa.Table.from_pylist(group, schema))


WRITERS: Final[dict[str, Callable[[Iterable[Row], Path], None]]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}


@contextmanager
def _text(output: Path) -> Iterator[TextIO]:
    if output == STANDARD_OUTPUT:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        yield file
