"""A camera where there is none: a line of biscuits is drawn, with defects whose truth is known."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from inspector.cameras.device import Device, Shot, Trouble, lost
from inspector.cameras.drill import DrilledDevice
from inspector.cameras.live import LiveSettings
from inspector.cameras.pacing import Pace
from inspector.cameras.pixel_formats import CODES, Grid
from inspector.cameras.simulated_defects import TYPES
from inspector.cameras.simulated_line import GOOD, Line
from inspector.settings import ConfigPath

DefectType = Literal["metal_fragment", "crack", "burnt", "hair", "missing_part"]
Share = Annotated[float, Field(ge=0, le=1)]


class SimulatorSettings(LiveSettings):
    """``kind: simulator``: draws a packing line, for demos, load tests and training where there is no camera.

    Each part's identity ends with its truth: ``000041-good``, ``000042-metal_fragment``.
    """

    kind: Literal["simulator"] = "simulator"
    width: PositiveInt = Field(default=640, ge=64)
    """Of the picture, in pixels."""
    height: PositiveInt = Field(default=480, ge=64)
    """Of the picture, in pixels."""
    rate_hz: PositiveFloat = 5.0
    """Parts per second."""
    seed: int = Field(default=0, ge=0)
    """The same seed draws the same parts; another one draws others, of the same product."""
    defects: dict[DefectType, Share] = dict.fromkeys(get_args(DefectType), 0.02)
    """Shares of all parts by type of defect; all others are good."""
    light: Share = 0.04
    """How far the lamp's brightness wanders, as a share of it."""
    drill: ConfigPath | None = None
    """A file whose one word is what the camera does wrong as long as it stands there: ``lose``, ``freeze``, ``hang``,
    ``repeat``, ``black``, ``white``, ``blur``, ``size``, ``late`` or ``lose_packets``. The parts are then counted from
    the start of the machine, and not from 0."""

    @model_validator(mode="after")
    def _shares_are_shares(self) -> Self:
        if sum(self.defects.values()) > 1:
            raise ValueError("defects: the shares of all types are more than 1 together")
        return self

    @property
    def shown(self) -> str:
        """See ``LiveSettings``."""
        return f"simulator {self.seed}"

    def connect(self, station: str) -> Device:
        """See ``LiveSettings``."""
        line = Line(self.height, self.width, self.seed, dict(self.defects.items()), self.light)
        # In a drill the belt runs on while the camera is away: one that began again would repeat what it has shown.
        first = int(time.monotonic() * self.rate_hz) if self.drill else 0
        device = SimulatedDevice(line, Pace(self.rate_hz), first)
        return DrilledDevice(device, self.drill, partial(lost, station, self.shown)) if self.drill else device


class SimulatedDevice:
    """A ``Device`` that draws one part after the other, each when its time has come."""

    free_running = True

    def __init__(self, line: Line, pace: Pace, first: int) -> None:
        self._line = line
        self._pace = pace
        self._number = first

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``."""
        if not self._pace.wait(time.monotonic() + timeout_s):
            return None
        exposed_s = time.monotonic()
        self._pace.step(exposed_s)
        pixels = self._line.picture(self._number)
        height, width, _ = pixels.shape
        shot = Shot(
            pixels.reshape(-1),
            Grid(CODES["RGB8"], height, width),
            monotonic_s=exposed_s,
            exposed=True,
            device_frame=self._number,
            device_time_s=exposed_s,
            part_id=f"{self._number:06}-{self._line.truth(self._number)}",
        )
        self._number += 1
        return shot

    def fire(self) -> None:
        """See ``Device``."""

    def counts(self) -> Mapping[Trouble, int]:
        """Nothing goes wrong on the way."""
        return {}

    def close(self) -> None:
        """See ``Device``."""


def truth_of(part_id: str) -> str:
    """``good``, or the type of the part's defect, as its identity says. Raises ValueError for another camera's part."""
    _, _, truth = part_id.partition("-")
    if truth not in {GOOD, *TYPES}:
        raise ValueError(f"{part_id} is no part of a simulator")
    return truth
