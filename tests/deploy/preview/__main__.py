"""``python -m tests.deploy.preview [MINUTES]``: runs a line to which things happen, and draws its dashboard.

Writes ``deploy/grafana/preview.png`` from what Prometheus scraped of a real daemon meanwhile.
"""

import sys
import tempfile
import time
from pathlib import Path
from threading import Event

import numpy as np

from tests.deploy.dashboard import DASHBOARDS, DEPLOY
from tests.deploy.preview.data import Span
from tests.deploy.preview.drawing import Sheet
from tests.deploy.watched_line import WatchedLine
from tests.parts import good_parts, scratched_parts, write_parts, write_small_bundle

PRESSES = ("press-1", "press-2", "press-3")
STEP_S = 2.0
WARM_UP_S = 30.0
"""Rates of the last 20 s say nothing before."""


class EventfulLine(WatchedLine):
    """Three presses, a few scratches now and then; ``happen`` is what befalls them."""

    at_work = ('inspector_sink_up{sink="mqtt"} == 1',)
    scrape_interval = "2s"

    def _pictures(self):
        # Parts that training has not seen: others would be too good, which is drift as well.
        for seed, name in enumerate(PRESSES, start=2):
            write_parts(self._folder / name, good_parts(180, seed=seed), "good")
            scatter(self._folder / name, scratched_parts(seed, seed=seed), every=40)

    def _config(self, broker_port, tls):
        config = super()._config(broker_port, tls)
        busy, _ = config["stations"]
        rate = {"kind": "folder", "rate_hz": 12, "mode": "loop"}
        config["stations"] = [
            {**busy, "name": name, "max_latency_ms": 250, "camera": {**rate, "path": str(self._folder / name)}}
            for name in PRESSES
        ]
        for station in config["stations"][1:]:
            # The broker knows a station by its certificate, and there is one.
            station["sinks"] = [{"kind": "log"}]
        for station in config["stations"]:
            station["alarms"] = {"fail_rate": {"share": 0.15, "parts": 60}, "stop_line": ["fail_rate"]}
        return config

    def happen(self, span_s):
        """A bad lot at the first press, the broker away, a lost camera at the second, a fading lamp at the third."""
        wait, part = Event().wait, span_s / 12
        wait(3 * part)
        bad = scatter(self._folder / PRESSES[0], scratched_parts(45, seed=9), every=4)
        wait(2 * part)
        for path in bad:
            path.unlink()
        wait(part)
        self.broker.stop()
        wait(part)
        self.broker.start()
        wait(part)
        away = self._folder / "away"
        (self._folder / PRESSES[1]).rename(away)
        wait(part)
        away.rename(self._folder / PRESSES[1])
        write_parts(self._folder / PRESSES[2], (0.9 * good_parts(180, seed=4)).astype(np.uint8), "good")
        wait(3 * part)


def scatter(folder, pictures, every):
    """Among the good ones, whose names they come between."""
    return [
        path
        for index, picture in enumerate(pictures)
        for path in write_parts(folder, [picture], f"good-{every * index + 1:03}-scratched")
    ]


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 12
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "plates"
        write_small_bundle(bundle)
        with EventfulLine(Path(folder), bundle) as line:
            Event().wait(WARM_UP_S)
            started_s = time.time()
            line.happen(60 * minutes)
            span = Span(started_s, time.time(), STEP_S)
            sheet = Sheet(DASHBOARDS["inspector-line"], span, lambda target: span.ask(line, target))
            sheet.draw(DEPLOY / "grafana" / "preview.png")


if __name__ == "__main__":
    main()
