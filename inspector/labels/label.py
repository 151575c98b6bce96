"""What a person says of one part."""

from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from inspector.inspection import Outcome

NORMAL: Final = "normal"
"""The class of good parts, as training names its folder."""

TAKEN: Final = {NORMAL, "unknown"}
"""What no anomaly type can be called: good parts, and what looks like no type."""


class Says(StrEnum):
    """Whether the line was right."""

    TRUE_REJECT = "true_reject"
    FALSE_REJECT = "false_reject"
    MISSED = "missed"


def sayable(outcome: Outcome) -> tuple[Says, ...]:
    """What makes sense of a part that was judged so: only what was let pass can have been missed."""
    return (Says.MISSED,) if outcome is Outcome.PASS else (Says.TRUE_REJECT, Says.FALSE_REJECT)


class Anomaly(BaseModel):
    """A type, and what it weighs in training, as ``data.anomalies`` has it there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(pattern=r"^[^\W_][\w .-]*$", max_length=64)
    """Also the name of a folder, which training would leave out if it began with a dot or an underline."""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    critical: bool = False

    @field_validator("type")
    @classmethod
    def _names_an_anomaly(cls, name: str) -> str:
        if name.lower() in TAKEN:
            raise ValueError(f"{name} is no anomaly")
        return name


class Label(BaseModel):
    """The last word on a part; those before it stay in the record that it is a note of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inspection: str
    station: str
    says: Says | None
    """None where the label was withdrawn."""
    anomaly: Anomaly | None = None
    """None for a good part."""
    hold: str | None = None
    """What keeps its picture in the archive; None where there is none."""
    by: str
    at: AwareDatetime

    @property
    def folder(self) -> str | None:
        """The class that training learns it as, None for none."""
        return NORMAL if self.says is Says.FALSE_REJECT else self.anomaly.type if self.anomaly else None
