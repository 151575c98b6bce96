"""Frames from a station's camera into the folders of a training set."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from inspector.cameras.simulated_line import GOOD
from inspector.cameras.simulator import SimulatorSettings, truth_of
from inspector.capture.collection import Collection
from inspector.capture.options import TRUTH
from inspector.capture.sheet import Preview
from inspector.checks import FreshCamera, Freshness
from inspector.config import StationSettings, read_config
from inspector.errors import EXIT_UNAVAILABLE, ConfigError, FrameError
from inspector.inspection import Camera, EndOfFrames, Frame

READ_S: Final = 0.5

PREVIEW: Final = "_preview"
"""Training leaves out folders whose names begin so."""

NORMAL: Final = "normal"

LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(slots=True)
class Harvest:
    """What became of the frames."""

    folder: Path
    min_difference: float
    kept: dict[str, int] = field(default_factory=dict)
    """By label."""
    alike: int = 0
    refused: int = 0
    _collections: dict[str, Collection] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Pictures that were kept."""
        return sum(self.kept.values())

    def take(self, frame: Frame, label: str) -> bool:
        """Keep the frame's picture, unless it looks like one that is there."""
        if label not in self._collections:
            self._collections[label] = Collection(self.folder / label, self.min_difference)
        collection = self._collections[label]
        if not collection.is_new(frame.pixels):
            self.alike += 1
            return False
        collection.keep(frame.pixels, frame.part_id or f"{frame.wall_time:%Y%m%dT%H%M%S.%f}")
        self.kept[label] = self.kept.get(label, 0) + 1
        return True

    def __str__(self) -> str:
        kept = ", ".join(f"{count} {label}" for label, count in sorted(self.kept.items())) or "none"
        return f"kept: {kept}; like one that is there: {self.alike}; no good: {self.refused}"


def capture(arguments: argparse.Namespace) -> int:
    """Collect until there are enough pictures, the camera has given its last one, or somebody presses Ctrl-C."""
    station = _station(arguments)
    harvest = Harvest(arguments.to, arguments.min_difference)
    preview = Preview(arguments.to / PREVIEW / f"{arguments.label}.png")
    camera = FreshCamera(station.camera.open(station.name), Freshness(station.name, station.checks))
    try:
        with closing(camera), _ended_by_hand():
            for frame in _frames(camera, harvest, arguments.every):
                if harvest.take(frame, _label(frame, arguments.label)):
                    preview.add(frame.pixels)
                _show(harvest)
                if harvest.total >= arguments.count:
                    break
        preview.write()
    except OSError as error:
        print(f"cannot write to {arguments.to}: {error.strerror}; {harvest}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    _say(harvest, preview, as_json=arguments.json)
    return 0


def _label(frame: Frame, label: str) -> str:
    """The folder that the picture belongs into; the truth of a good part is called normal there."""
    if label != TRUTH:
        return label
    truth = truth_of(frame.part_id or "")
    return NORMAL if truth == GOOD else truth


def _station(arguments: argparse.Namespace) -> StationSettings:
    """Raises ConfigError when there is none of that name, or the label is none."""
    config = read_config(arguments.config)
    named = {station.name: station for station in config.stations}
    if arguments.station not in named:
        raise ConfigError(f"--station: there is no {arguments.station}; there are {', '.join(named)}")
    station = named[arguments.station]
    if not LABEL.fullmatch(arguments.label):
        raise ConfigError(f"--label: {arguments.label!r} cannot be a folder's name; take letters, digits, _ . and -")
    if arguments.label == TRUTH and not isinstance(station.camera, SimulatorSettings):
        raise ConfigError("--label truth: only a camera of kind simulator knows what it shows")
    return station


def _frames(camera: Camera, harvest: Harvest, every_s: float) -> Iterator[Frame]:
    """Those that are good, one in ``every_s`` at the most."""
    due_s = 0.0
    while True:
        try:
            camera.fire(time.monotonic())
            frame = camera.read(READ_S)
        except FrameError:
            harvest.refused += 1
            continue
        except EndOfFrames:
            return
        if frame and time.monotonic() >= due_s:
            due_s = time.monotonic() + every_s
            yield frame


@contextmanager
def _ended_by_hand() -> Iterator[None]:
    """Ctrl-C is how it is meant to end."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)


def _show(harvest: Harvest) -> None:
    """One line that lives, where somebody looks at it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{harvest}", end="", file=sys.stderr, flush=True)


def _say(harvest: Harvest, preview: Preview, *, as_json: bool) -> None:
    if as_json:
        counts = {"kept": harvest.kept, "alike": harvest.alike, "refused": harvest.refused}
        print(json.dumps({**counts, "folder": str(harvest.folder), "preview": str(preview.path)}))
    else:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        print(f"{harvest}\nlook at {preview.path}" if harvest.total else f"{harvest}")
