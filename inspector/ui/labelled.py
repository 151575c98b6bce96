"""Lists of parts by whether a person has said something of them."""

from dataclasses import replace

from inspector.labels.book import Book
from inspector.records.filter import Filter
from inspector.ui.history import REJECTS, History, Part


def labelled(history: History, book: Book, wanted: Filter, count: int) -> list[Part]:
    """Parts with a label, the newest first: looked up by their ids, however many the record holds."""
    ids = [label.inspection for label in reversed(book.lasting(history.station))]
    return history.named(ids, wanted, count)


def unlabelled(history: History, book: Book, wanted: Filter, count: int) -> list[Part]:
    """Rejects without one, the newest first: what is left to do."""
    found: list[Part] = []
    while len(found) < count:
        parts = history.parts(wanted, count, REJECTS)
        found += [part for part in parts if not book.of(part.inspection.id)]
        if len(parts) < count:
            break
        wanted = replace(wanted, below=parts[-1].number)
    return found[:count]
