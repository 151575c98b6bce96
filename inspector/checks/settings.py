"""The settings of a station's ``checks:``."""

from pydantic import Field, PositiveFloat

from inspector.settings import Settings


class CheckSettings(Settings):
    """What makes a frame ERROR, with its reason, and never a verdict."""

    max_age_ms: PositiveFloat | None = 1000.0
    """``stale_frame``: exposed, or arrived, longer ago than these milliseconds; null takes any age."""
    repeated: bool = True
    """``repeated_frame``: the same number of the camera's, or the same picture as one of the last 32. Only of what
    looks at something now, never of files. Switch it off for a stream that is compressed so hard, and a line that
    stands so still, that one picture follows another without a difference in a single byte."""
    frozen_after_s: PositiveFloat | None = 5.0
    """A camera that has given nothing but repeated frames for so long counts as lost, and is opened again; null waits
    for it for ever."""
    size: bool = True
    """``wrong_size``: another size than all the pictures of training had."""
    exposure: bool = True
    """``black_frame`` and ``overexposed_frame``: all black or all white, or darker and brighter by far than the
    pictures of training were."""
    least_sharpness: float | None = Field(default=0.25, gt=0, le=1)
    """``blurred_frame``: less sharp than this share of the least sharp normal picture of training; null never."""
