"""What the operator's page costs the line, and how quickly it answers: ``python -m tests.benchmarks.page_cost --help``.

Viewers watch the live page's stream and fetch each picture that it names, as browsers do. Rounds without and with them
alternate, so that what else the machine does falls on both.
"""

import argparse
import http.client
import json
import re
import sqlite3
import statistics
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from ulid import ULID

from inspector.inspection import Inspection, Outcome
from inspector.labels.book import Book
from inspector.labels.label import Label, Says
from inspector.records.chain import GENESIS, link
from inspector.records.filter import Filter
from inspector.records.rows import Draft
from inspector.records.schema import file_of, open_for_writing
from inspector.ui.history import REJECTS, History
from inspector.ui.labelled import labelled, unlabelled
from tests.page import PASSWORDS, PagedLine

AGENT = {"User-Agent": "page_cost"}
PICTURE = re.compile(r'src="(/last/[^"]+/([0-9A-Z]{26}))"')
STATION = "press-1"
LABELS = 2000
"""Rejects that are labelled, the newest."""


class Viewer:
    """Somebody who watches; ``delays_ms`` are from exposure to the picture in the hand."""

    def __init__(self, line):
        self._line = line
        self.delays_ms = []
        self._cookie = self._logged_in()

    def _logged_in(self):
        form = urlencode({"name": "vera", "password": PASSWORDS["vera"]})
        connection = http.client.HTTPConnection("127.0.0.1", self._line.port, timeout=30)
        headers = AGENT | {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login", form, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303
        return AGENT | {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}

    def watch(self, stop):
        stream = http.client.HTTPConnection("127.0.0.1", self._line.port, timeout=30)
        pictures = http.client.HTTPConnection("127.0.0.1", self._line.port, timeout=30)
        stream.request("GET", "/news", headers=self._cookie)
        seen = None
        for line in stream.getresponse():
            if stop.is_set():
                break
            found = PICTURE.search(json.loads(line[6:]).get("html", "")) if line.startswith(b"data: {") else None
            if found and found[2] != seen:
                seen = found[2]
                pictures.request("GET", found[1], headers=self._cookie)
                answer = pictures.getresponse()
                answer.read()
                if answer.status == 200:
                    said = ULID.from_str(seen).datetime  # the inspection's id is made with its verdict
                    self.delays_ms.append((datetime.now(UTC) - said).total_seconds() * 1000)


@contextmanager
def watching(line, count):
    viewers, stop = [Viewer(line) for _ in range(count)], Event()
    threads = [Thread(target=viewer.watch, args=(stop,), daemon=True) for viewer in viewers]
    for thread in threads:
        thread.start()
    yield viewers
    stop.set()
    for thread in threads:
        thread.join(5)


def verdicts_ms(line, begin):
    """Of the inspections since the moment ``begin``, exposure to verdict."""
    with sqlite3.connect(f"file:{line.folder}/records/{STATION}.sqlite?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT payload FROM rows WHERE kind = 'inspection' AND at >= ?", (begin,))
        return [json.loads(payload)["timings_ms"]["total"] for (payload,) in rows]


def measured(line, rounds, seconds, count):
    without, beside, delays = [], [], []
    for _ in range(rounds):
        without.append(percentile(round_of(line, seconds), 99))
        with watching(line, count) as viewers:
            beside.append(percentile(round_of(line, seconds), 99))
        delays += [delay for viewer in viewers for delay in viewer.delays_ms]
    return {
        "viewers": count,
        "p99_ms_without": statistics.median(without),
        "p99_ms_with": statistics.median(beside),
        "ratio": statistics.median(b / w for w, b in zip(without, beside, strict=True)),
        "picture_p95_ms": percentile(delays, 95),
        "pictures": len(delays),
    }


def round_of(line, seconds):
    begin = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    time.sleep(seconds)
    return verdicts_ms(line, begin)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share / 100 * (len(ordered) - 1)))]


def fill(file, count):
    """A record of so many inspections, one a second, one in 100 a FAIL of ten types, one in 1,000 an ERROR."""
    connection = open_for_writing(file, STATION, "process")
    begin, digest = datetime.now(UTC) - timedelta(seconds=count), GENESIS

    def rows():
        nonlocal digest
        for number in range(1, count + 1):
            draft = Draft.of_inspection(made_up(number, begin + timedelta(seconds=number)))
            digest = link(digest, number, draft.kind, draft.payload)
            yield (
                number, draft.kind, draft.payload, digest, draft.at, draft.sequence, draft.id, draft.trigger_id,
                draft.part_id, draft.outcome,
            )  # fmt: skip

    connection.execute("BEGIN")
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())
    connection.execute("UPDATE chain SET head_number = ?, head_hash = ?, next_sequence = ?", (count, digest, count))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def made_up(number, at):
    outcome = Outcome.ERROR if number % 1000 == 0 else Outcome.FAIL if number % 100 == 0 else Outcome.PASS
    return Inspection(
        id=str(ULID.from_datetime(at)),
        station=STATION,
        sequence=number - 1,
        part_id=f"part-{number}",
        outcome=outcome,
        reason="camera_lost" if outcome is Outcome.ERROR else None,
        score=None if outcome is Outcome.ERROR else 1.0,
        threshold=2.0,
        nearest_type=f"type-{number // 100 % 10}" if outcome is Outcome.FAIL else None,
        captured_at=at,
        timings_ms={"total": 12.0},
        bundle="b" * 64,
    )


def asked(folder, count):
    """Milliseconds that each question takes, the slowest of five."""
    fill(file_of(folder, STATION), count)
    history, day = History(folder, STATION), timedelta(days=1)
    now, book = datetime.now(UTC), labels_of(history.parts(Filter(), LABELS, REJECTS))
    questions = {
        "the newest 60": lambda: history.parts(Filter(), 60),
        "60 in the middle": lambda: history.parts(Filter(below=count // 2), 60),
        "rejects": lambda: history.parts(Filter(), 60, REJECTS),
        "one type": lambda: history.parts(Filter(nearest_type="type-7"), 60, (Outcome.FAIL,)),
        "a type that is not there": lambda: history.parts(Filter(nearest_type="none"), 60, (Outcome.FAIL,)),
        "one part": lambda: history.parts(Filter(part_id=f"part-{count // 3}"), 60),
        "a part that is not there": lambda: history.parts(Filter(part_id="none"), 60),
        "rejects of a day": lambda: history.parts(Filter(since=now - 3 * day, until=now - 2 * day), 60, REJECTS),
        "labelled": lambda: labelled(history, book, Filter(), 60),
        "rejects without a label, behind all that have one": lambda: unlabelled(history, book, Filter(), 60),
        "open alarms": history.alarms,
        "the scores of 5,000": lambda: history.scored(5000),
    }
    return {name: max(timed(question) for _ in range(5)) for name, question in questions.items()}


def labels_of(parts):
    said = {"says": Says.FALSE_REJECT, "station": STATION, "by": "otto", "at": datetime.now(UTC)}
    return Book().plus(Label(inspection=part.inspection.id, **said) for part in parts)


def timed(question):
    begin = time.perf_counter()
    question()
    return (time.perf_counter() - begin) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="of the line that is watched; without it only the record is asked")
    parser.add_argument("--pictures", type=Path, help="what its camera shows, over and over")
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each round")
    parser.add_argument("--rate-hz", type=float, default=10, help="parts a second")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the record that is asked")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for machines")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        figures = {"milliseconds": asked(Path(folder), arguments.rows), "rows": arguments.rows}
        if arguments.bundle:
            camera = f"{{kind: folder, path: {arguments.pictures.resolve()}, rate_hz: {arguments.rate_hz}}}"
            with PagedLine(Path(folder, "line"), arguments.bundle.resolve(), {STATION: camera}) as line:
                figures |= measured(line, arguments.rounds, arguments.seconds, arguments.viewers)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    table = Table("what", "measured")
    for name, value in {**figures.pop("milliseconds"), **figures}.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
