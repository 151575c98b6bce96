"""The vocabulary of the project on one page: what flows through a station, and the seams it flows across."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Pixels = NDArray[np.uint8]
"""One picture, (height, width, 3), RGB."""

Floats = NDArray[np.float32]


class Outcome(StrEnum):
    """The verdict on a part. ERROR is never a pass: what could not be judged, or not in time, is ERROR."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    ERROR = "ERROR"


class Reason(StrEnum):
    """Why an inspection is ERROR."""

    CAMERA_LOST = "camera_lost"
    UNREADABLE_PICTURE = "unreadable_picture"
    STALE_FRAME = "stale_frame"
    NO_FRAME = "no_frame"
    REPEATED_FRAME = "repeated_frame"
    INCOMPLETE_FRAME = "incomplete_frame"
    WRONG_SIZE = "wrong_size"
    BLACK_FRAME = "black_frame"
    OVEREXPOSED_FRAME = "overexposed_frame"
    BLURRED_FRAME = "blurred_frame"
    DEADLINE = "deadline"
    LATE = "late"
    MODEL_ERROR = "model_error"
    NOT_READY = "not_ready"
    PAUSED = "paused"
    OVERRUN = "overrun"
    DUPLICATE_TRIGGER = "duplicate_trigger"
    BAD_TRIGGER = "bad_trigger"
    UNKNOWN_RECIPE = "unknown_recipe"
    NO_MODEL = "no_model"


class StationState(StrEnum):
    """What a station says of itself; OFFLINE is said for it, by the broker, when it died without a word."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    CAMERA_LOST = "camera_lost"
    STOPPED = "stopped"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a camera, with the two clocks it was taken by.

    ``monotonic_s`` is the reading of ``time.monotonic()`` at exposure or, where the camera cannot tell, at arrival:
    every age and deadline is computed from it, so that a step of the wall clock changes nothing. ``sequence`` counts
    the camera's frames from 0.
    """

    pixels: Pixels
    monotonic_s: float
    wall_time: datetime
    sequence: int
    camera_id: str
    part_id: str | None = None
    exposed: bool = False
    """Whether ``monotonic_s`` is the exposure, made out by the camera's own clock, and not the arrival."""
    device_frame: int | None = None
    """The camera's own number of the frame, where it tells one: the same again is the same picture again."""
    device_time_s: float | None = None
    """When it was taken by the camera's own clock, which begins anywhere; where it tells."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the network sees in n pictures: the whole of each, and each of its places.

    ``embedding``: (n, d) float32, rows of length 1, what metric learning made. ``pooled``: (n, p) float32, rows of
    length 1, the backbone's own features that it was made from. ``patches``: (n, rows, columns, c) float32, a vector
    for each place of a grid over the picture. None where only embeddings are at hand.
    """

    embedding: Floats
    pooled: Floats | None = None
    patches: Floats | None = None

    def __len__(self) -> int:
        return len(self.embedding)


class Inspection(BaseModel):
    """One frame judged. Its JSON form is the message that PLC and SCADA receive."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """ULID: unique, and sorted by time."""
    station: str
    sequence: int = Field(ge=0)
    """Counts the station's inspections from 0, on over restarts where a record is kept; a gap is a lost message."""
    trigger_id: str | None = None
    """The trigger that this answers; null where the camera runs free."""
    part_id: str | None = None
    """The part's identity where the camera or the trigger tells it."""
    outcome: Outcome
    reason: str | None = None
    """Why the outcome is ERROR, one word; null for PASS and FAIL."""
    review: bool = False
    """A FAIL that is in doubt: a person should look. Never true for PASS or ERROR."""
    score: float | None = None
    """Distance from normal, larger is more abnormal; null when nothing could be scored."""
    threshold: float | None
    """A score above this is FAIL; null where the station has no model yet."""
    nearest_type: str | None = None
    """The known anomaly type that this picture looks like, or ``unknown``; null for PASS, or where none is known."""
    type_confidence: float | None = Field(default=None, ge=0, le=1)
    """How probable the nearest type is; null where there is none."""
    captured_at: AwareDatetime
    """Wall time of the frame in UTC; of the failure where there was no frame."""
    timings_ms: dict[str, float] = {}
    """Milliseconds by stage: acquire, preprocess, embed, score, and total from exposure or arrival to verdict."""
    picture: str | None = None
    """SHA-256 of what the network saw: the picture at the model's input size, RGB, row by row; null without a frame."""
    bundle: str | None
    """Digest of the model bundle that judged; null where the station has no model yet."""
    config: str | None = None
    """Digest of the station's configuration."""
    historical: bool = False
    """Sent again after the broker was away: a record of what was, never an answer to a part that waits now."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An inspection with what it was made from."""

    inspection: Inspection
    frame: Frame
    picture: Pixels | None = None
    """What the network saw, at the model's input size; None where it was not asked. The next frame takes its place in
    the same memory: whoever keeps it, copies it."""
    features: Features | None = None
    """What the network made of it; never changed afterwards."""
    heat_map: Callable[[], Floats | None] = lambda: None
    """How abnormal each place is, (rows, columns), computed when it is called; None without a memory bank."""


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def wall_time_at(monotonic_s: float) -> datetime:
    """What the wall clock would have shown at a reading of the monotonic one, were it set then as it is now."""
    return utc_now() - timedelta(seconds=time.monotonic() - monotonic_s)


class Camera(Protocol):
    """A source of frames, opened by its settings' ``open``. Any thread may close it, one other uses it."""

    is_live: bool = False
    """Whether it looks at something now: the same picture twice is then a fault, and not a replay."""

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when none came in time.

        Raises FrameError when this one picture cannot be used, CameraError when the device is lost, and
        EndOfFrames when a source that ends has ended.
        """

    def check(self) -> bool:
        """Whether it delivers; False before its first frame. Takes no time. Raises CameraError when it is lost."""
        return True

    def fire(self, at_s: float) -> None:
        """Take a picture at this time of the monotonic clock, where the camera waits to be told; else do nothing.

        Raises CameraError when the camera cannot be told.
        """
        del at_s  # most cameras run free

    def close(self) -> None:
        """Let the device go. Safe to call twice."""


class EndOfFrames(Exception):  # noqa: N818 - not an error: a replay that was asked to run once is complete
    """A finite camera (a folder or a video replayed once) has given its last frame."""


class Embedder(Protocol):
    """Pixels to features."""

    input_size: tuple[int, int]
    """Height and width in pixels of the pictures that it takes."""

    def embed(self, pictures: NDArray[np.uint8]) -> Features:
        """(n, height, width, 3) uint8 RGB at the model's input size to the features of n pictures.

        No later call changes arrays that were handed out.
        """


class Scorer(Protocol):
    """Features to a distance from normal."""

    def score(self, features: Features) -> Floats:
        """(n,) float32, larger is always more abnormal."""


class Sink(Protocol):
    """A receiver of one station's results. No call ever blocks the station."""

    def publish(self, inspection: Inspection) -> None:
        """Hand the inspection over. Raises SinkError when it cannot be taken."""

    def announce(self, state: StationState) -> None:
        """Tell what the station is doing now."""

    def close(self) -> None:
        """Deliver what is in hand, within a second or so, and let go. Safe to call twice."""


class Witness(Protocol):
    """Looks on, and has no say: an archive, a comparison, a model on trial."""

    def see(self, evidence: Evidence) -> None:
        """Told in the station's thread of each inspection of a frame, once it has left for its receivers.

        The next part waits meanwhile: whatever takes more than microseconds belongs into a thread of the witness's own.
        """

    def close(self) -> None:
        """Finish what is in hand, within half a second, and let go. Safe to call twice."""


class Outbox(Protocol):
    """What waits for its receivers, each known by a sink's name. Safe to use from several threads."""

    def backlog(self, receiver: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Sequence and JSON of the oldest inspections beyond sequence ``after`` that the receiver has not got."""

    def delivered(self, receiver: str, sequences: Iterable[int]) -> None:
        """The receiver has got these. Takes microseconds; a crash soon after may forget it."""

    def newest(self) -> int:
        """Sequence of the last inspection, -1 before the first."""


class Record(Outbox, Protocol):
    """What a station has done, kept in order. Safe to use from several threads; trouble with a disk raises nothing."""

    def append(self, draft: Inspection) -> Inspection:
        """Keep an inspection, as durably as was asked for. Returns it with its number."""

    def note(self, kind: str, payload: dict[str, Any]) -> None:
        """Keep what else has to be accounted for: a command, an alarm."""

    def notes(self, kind: str, limit: int = 100) -> list[dict[str, Any]]:
        """The last that were kept of a kind, the newest first."""

    def answer_to(self, trigger_id: str) -> Inspection | None:
        """What a trigger was answered, if it was."""

    def close(self) -> None:
        """Write what is in hand, and let go. Safe to call twice."""
