"""The settings of a station that waits for a PLC's triggers."""

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from inspector.settings import Settings


class TriggerSettings(Settings):
    """One frame for each trigger, and one answer; see ``inspector/desk.py``."""

    deadline_ms: PositiveFloat = 500.0
    """For triggers that name none: the answer comes within so many milliseconds, or it is ERROR."""
    delay_ms: NonNegativeFloat = 0.0
    """The part is in place so long after its trigger: older frames are of something else, and are left out."""
    queue_size: PositiveInt = 2
    """Triggers that may wait behind the one in work; further ones are answered ERROR, ``overrun``."""
