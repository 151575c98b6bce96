"""How closely a station is compared with its bundle's normals."""

from pydantic import Field, PositiveFloat, PositiveInt

from inspector.settings import Settings


class DriftSettings(Settings):
    """When the parts, or the camera, no longer look like those that the bundle was trained on."""

    window: PositiveInt = Field(default=300, ge=60, multiple_of=10)
    """The last so many parts are compared with the bundle's held-out normals: more of them notice smaller changes,
    fewer notice large ones sooner. A wave of defects shorter than half of it is no drift."""
    false_alarms: PositiveFloat = 0.01
    """False alarms in 100,000 normal parts, at most: the limits follow from it, from ``window`` and from how many
    held-out normals the bundle has."""
    psi: PositiveFloat = 0.2
    """Population stability index of score, brightness or sharpness below which no change is worth an alarm, however
    sure it is."""
    shift: PositiveFloat = 0.15
    """The same for the mean of the embedding, in standard deviations of a normal picture."""
