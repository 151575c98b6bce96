"""The ``archive:`` section of a configuration."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from inspector.archive.archive import Archive
from inspector.archive.choice import Choice
from inspector.archive.janitor import Janitor
from inspector.archive.prune import Limits
from inspector.archive.waiting import Waiting
from inspector.archive.writing import Writer
from inspector.errors import ConfigError
from inspector.settings import ConfigPath, Settings

GIB: Final = 2**30
MIB: Final = 2**20

Days = Annotated[float, Field(gt=0, le=36_500)]
"""Up to a hundred years."""


class ArchiveSettings(Settings):
    """Pictures of what was judged, in one folder for all stations: every FAIL, every ERROR with a picture, some PASS.

    Of a station without a model nothing is kept by itself: the operator's page collects what a first one is made of.
    Limits are kept by age first, then by size, then by free space. Passes go before any reject does, the oldest first.
    """

    folder: ConfigPath
    """Where the pictures are, made if it is missing. A relative path is taken from the folder of the configuration
    file. Several lines may share it; the limits are then those of whoever prunes."""
    format: Literal["jpeg", "png"] = "jpeg"
    """Of the pictures as the camera gave them; ``png`` is without loss and several times as large."""
    quality: int = Field(default=90, ge=1, le=100)
    """Of JPEG."""
    keep_passes: NonNegativeInt = 100
    """Of the PASS of a station the first of so many is kept; 1 keeps all, 0 none."""
    near_threshold: float = Field(default=0.1, ge=0, le=1)
    """A PASS whose score is nearer to the threshold than this share of it is always kept."""
    heat_maps: bool = True
    """Keep the heat map over the picture as well, where the bundle has one."""
    queue_bytes: PositiveInt = 256 * MIB
    """Most memory of pictures that wait for the disk, for each station; of more, sampled passes are given up first."""
    pass_days: Days = 30
    """Passes that are older are deleted."""
    reject_days: Days = 365
    """FAIL and ERROR that are older are deleted."""
    max_bytes: PositiveInt | None = None
    """Most that the archive takes of the disk; null is no limit of its own."""
    min_free_bytes: NonNegativeInt = 5 * GIB
    """Of the disk so much stays free: pictures are deleted for it, and with less than half of it none is written."""

    @model_validator(mode="after")
    def _rejects_outlive_passes(self) -> Self:
        if self.reject_days < self.pass_days:
            raise ValueError(f"reject_days {self.reject_days:g} is less than pass_days: rejects outlive passes")
        return self

    @property
    def limits(self) -> Limits:
        """What retention has to keep to."""
        return Limits(self.pass_days, self.reject_days, self.max_bytes, self.min_free_bytes)

    def check(self) -> None:
        """Raises ConfigError where the folder cannot be made; a daemon would go on and raise an alarm."""
        try:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"archive.folder {self.folder} cannot be made: {error.strerror}") from error

    def open(self, station: str) -> Archive:
        """The witness that archives a station's pictures, at work. Trouble with the disk raises nothing."""
        return Archive(
            station,
            choice=Choice(self.keep_passes, self.near_threshold),
            writer=Writer(
                self.folder,
                png=self.format == "png",
                quality=self.quality,
                heat_maps=self.heat_maps,
                least_free_bytes=self.min_free_bytes // 2,
            ),
            waiting=Waiting(self.queue_bytes),
        )

    def janitor(self) -> Janitor:
        """Keeps the folder within its limits while the daemon runs."""
        return Janitor(self.folder, self.limits)
