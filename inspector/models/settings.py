"""The ``models:`` section of a configuration."""

from pydantic import Field, NonNegativeInt

from inspector.errors import ConfigError
from inspector.models.pointer import STATIONS
from inspector.models.store import BUNDLES
from inspector.settings import ConfigPath, Settings


class ModelSettings(Settings):
    """Where bundles wait that ``inspector deploy`` brings while the line runs, and what is asked of them."""

    folder: ConfigPath
    """Where they are, on a local disk; the daemon notes there which of them judges. A relative path is taken from the
    folder of the configuration file."""
    keep: int = Field(default=5, ge=1)
    """``inspector deploy`` removes the oldest of more than so many; never one that judges, or did before."""
    shadow: NonNegativeInt = 0
    """A new model is first compared with the one that judges on so many parts, unless the command says how many."""
    min_agreement: float = Field(default=0.8, ge=0, le=1)
    """It is refused when it gives a smaller share of these the same verdict, unless the command names another share."""
    probation: int = Field(default=50, ge=0, le=1000)
    """It is taken back if it fails more, or fewer, of its first so many parts than can be chance, or cannot judge."""

    def prepare(self) -> None:
        """Make the folders that are missing: whoever deploys may be somebody else, whose folders are not ours to write.

        Raises ConfigError.
        """
        for each in (self.folder / BUNDLES, self.folder / STATIONS):
            try:
                each.mkdir(mode=0o755, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"models: {each} cannot be made: {error.strerror}") from error
