"""What a PLC and a station say to each other besides inspections, and how what it says is read.

Whatever comes from outside is bounded and checked here; a message that breaks a rule is a ``MessageError``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Protocol, Self, TypeVar, runtime_checkable

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from inspector.errors import MessageError
from inspector.inspection import Inspection, Outbox, StationState

NOBODY: Final = "-"
"""``by`` of a command over the control socket that speaks for nobody else: the kernel says who it is."""

LARGEST_MESSAGE: Final = 16_384
"""Bytes; a trigger or command that is larger is refused unread."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Message(BaseModel):
    """Read from outside: unknown keys are mistakes, and so are strings in the place of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class TriggerMessage(Message):
    """``<prefix>/<station>/trigger``: a part is in place, judge it."""

    id: Name | None = None
    """Names this trigger for good; without it, ``part_id`` does. A second trigger of one id is the same trigger."""
    part_id: Name | None = None
    """The part's identity, which the answer repeats."""
    deadline_ms: float | None = Field(default=None, gt=0, le=3_600_000)
    """The answer comes within so many milliseconds, or it is ERROR; without it, the station's own deadline."""
    recipe: Name | None = None
    """One of the station's recipes; without it, the one that is set."""

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.id is None and self.part_id is None:
            raise ValueError("a trigger needs an id or a part_id")
        return self


class CommandMessage(Message):
    """``<prefix>/<station>/command``: what a person, or a system for one, asks of a station."""

    id: Name
    """Repeated in the reply; a second command of one id is not carried out again."""
    command: Literal["pause", "resume", "acknowledge", "reset", "reload", "set-recipe", "deploy", "rollback", "status"]
    by: Name
    """Who asks, for the audit; that they may is the business of the broker's access list."""
    alarm: Name | None = None
    """``acknowledge`` and ``reset``: which alarm; without it, all of them."""
    recipe: Name | None = None
    """``set-recipe``: which one; null for the station's own bundle."""
    bundle: Name | None = None
    """``deploy``: which one of the store, by its digest or the first digits of it, or the newest of this name."""
    shadow: int | None = Field(default=None, ge=0, le=100_000)
    """``deploy``: compare the two models on so many parts first; without it, as many as the configuration says."""
    min_agreement: float | None = Field(default=None, ge=0, le=1)
    """``deploy``: the least share of these with the same verdict; without it, as the configuration says."""
    probation: int | None = Field(default=None, ge=0, le=1000)
    """``deploy``: watch the first so many verdicts; without it, as many as the configuration says."""


class ModelStep(StrEnum):
    """How far a model is on its way to a station."""

    SETTLED = "settled"
    """None is on its way."""
    LOADING = "loading"
    """It is read and proved."""
    SHADOW = "shadow"
    """It scores what another model judges."""
    PROBATION = "probation"
    """It judges, and is watched."""


class ModelOutcome(StrEnum):
    """What became of the last model that was on its way."""

    DEPLOYED = "deployed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"


class ModelMessage(BaseModel):
    """``<prefix>/<station>/model``, retained: which model judges, and which is on its way."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    bundle: str | None
    """Digest of the bundle that judges; null where none does yet."""
    name: str | None
    """Its product."""
    step: ModelStep
    """``settled``, or how far the candidate is."""
    outcome: ModelOutcome | None = None
    """What became of the candidate; null while it is on its way, and before the first."""
    candidate: str | None = None
    """Digest of the bundle that is, or was, on its way."""
    at: AwareDatetime
    """When this step was made, UTC."""
    by: str | None = None
    """Who asked for it; null for the station itself."""
    message: str
    """The same in words, and why."""


class StationStatus(BaseModel):
    """What a station answers to ``status``."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    state: StationState
    ready: bool
    """Whether a trigger would be taken now."""
    bundle: str | None
    """Digest of the bundle that judges; null where none does yet."""
    model: ModelMessage | None
    """The last step of a model; null where none can be deployed."""
    verdicts: dict[str, int]
    """Inspections since the start, by outcome."""
    rate_hz: float
    """Inspections a second, over the last ten."""

    def __str__(self) -> str:
        said = " ".join(f"{outcome} {count}" for outcome, count in self.verdicts.items())
        return f"{self.state} {self.rate_hz:.1f}/s by {self.bundle[:8] if self.bundle else 'no model'}, {said}"


class CommandReply(BaseModel):
    """``<prefix>/<station>/command/answer``: what became of a command."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str | None
    """The command's; null where it could not be read."""
    command: str | None
    """What was asked; null where it could not be read."""
    by: str | None
    """Who asked; null where it could not be read."""
    accepted: bool
    """Whether it was carried out."""
    message: str
    """What was done, or why nothing was."""
    status: StationStatus | None = None
    """What ``status`` asked for."""


class AcknowledgeMessage(BaseModel):
    """``<prefix>/<station>/acknowledge``: the trigger was taken, its one answer will come."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """The trigger's."""
    part_id: str | None
    """The part's."""
    at: AwareDatetime
    """When it was taken, UTC."""


class HeartbeatMessage(BaseModel):
    """``<prefix>/<station>/heartbeat``, each second: a counter that stands still is a station that does not live."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    counter: int = Field(ge=0)
    """Rises by 1 with every beat, from 0 at the daemon's start."""
    state: StationState
    """As in ``state``."""
    ready: bool
    """Whether a trigger would be taken now."""
    at: AwareDatetime
    """The station's clock, UTC."""


class AlarmState(StrEnum):
    """ISA-18.2 in its simplest latching form: an alarm stays until a person has seen it and reset it."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"


class AlarmMessage(BaseModel):
    """``<prefix>/<station>/alarm/<name>``, retained."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    alarm: str
    """Its name."""
    state: AlarmState
    """``active`` until somebody acknowledges it, ``acknowledged`` until somebody resets it."""
    since: AwareDatetime
    """When it came into this state, UTC."""
    message: str
    """What happened, and what to do."""
    by: str | None = None
    """Who acknowledged or reset it."""


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where MQTT 5 asks the answer to be sent: ResponseTopic and CorrelationData, sections 3.3.2.3.5 and 3.3.2.3.6."""

    topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as it arrived. ``received_s`` and ``deadline_s`` are readings of ``time.monotonic()``."""

    id: str
    part_id: str | None
    received_s: float
    deadline_s: float
    recipe: str | None = None
    reply_to: ReplyTo = ReplyTo()


Read = TypeVar("Read", bound=Message)


def read_message(payload: bytes, model: type[Read]) -> Read:
    """A message from outside. Raises MessageError, saying what is wrong with it."""
    if len(payload) > LARGEST_MESSAGE:
        raise MessageError(f"{len(payload)} bytes are too many, {LARGEST_MESSAGE} is the limit")
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise MessageError("; ".join(_said(each) for each in error.errors(include_url=False))) from None


def _said(mistake: Any) -> str:
    where = ".".join(map(str, mistake["loc"]))
    return f"{where}: {mistake['msg']}" if where else str(mistake["msg"])


class Listener(Protocol):
    """A station, to those who bring it triggers and commands. Any thread may call; no call raises, or takes long."""

    def trigger(self, payload: bytes, received_s: float, reply_to: ReplyTo) -> None:
        """A trigger has arrived."""

    def command(self, payload: bytes, reply_to: ReplyTo) -> None:
        """A command has arrived."""


@runtime_checkable
class Link(Protocol):
    """A sink that a PLC can also talk to. No call ever blocks; what cannot be sent now is not sent at all."""

    def attach(self, listener: Listener, outbox: Outbox, *, triggers: bool) -> None:
        """From now on hand over commands, and triggers if asked, and send again what waits in the outbox."""

    def is_up(self) -> bool:
        """Whether something sent now would arrive, as far as is known."""

    def answer(self, inspection: Inspection, trigger: Trigger) -> None:
        """The one answer to a trigger; it expires with the trigger's deadline."""

    def acknowledge(self, trigger: Trigger) -> None:
        """Say that the trigger was taken."""

    def reply(self, reply: CommandReply, reply_to: ReplyTo) -> None:
        """Say what became of a command."""

    def alarm(self, alarm: AlarmMessage) -> None:
        """Publish and retain an alarm, now and after each reconnection."""

    def model(self, message: ModelMessage) -> None:
        """Publish and retain which model judges, now and after each reconnection."""

    def beat(self, heartbeat: HeartbeatMessage) -> None:
        """Say that the station lives."""
