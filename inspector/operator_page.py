"""The ``ui:`` section of a configuration: the operator's page, which ``inspector ui`` serves."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final, Self

from pydantic import Field, PositiveFloat, model_validator

from inspector.settings import ConfigPath, Settings

AUDIT: Final = "operator-page"
"""The name of the page's own record, which is chained as those of the stations are."""


class LearningSettings(Settings):
    """``training:`` of the page: what refits a station's model out of what people have labelled."""

    folder: ConfigPath
    """Where labelled pictures are exported to, and candidates come from; a folder for each station is made in it."""
    configs: dict[str, ConfigPath] = Field(min_length=1)
    """By station: the configuration that its model was trained by, whose pictures are on this machine too."""
    command: str = "inspector-train"
    """The training program, by path, or by name beside the page's own and in PATH; the extra ``train`` brings it."""
    threads: int = Field(default=1, ge=1)
    """That it computes in, with the lowest priority."""
    longest_minutes: PositiveFloat = 60
    """Whatever takes longer is ended."""
    min_difference: float = Field(default=4.0, ge=0)
    """Of the pictures that are collected for a first model: grey levels by which one of 32 x 32 cells has to differ
    from each picture before, so that a line that stands still gives one; 0 keeps all."""

    @property
    def program(self) -> str | None:
        """Where ``command`` is, None where it is not installed."""
        beside = os.fspath(Path(sys.executable).parent)  # systemd's PATH does not lead there
        return shutil.which(self.command, path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


class PageSettings(Settings):
    """A process of its own, which reads what the daemon writes; no verdict waits for it."""

    folder: ConfigPath
    """Where accounts, the page's own audit record, labels among it, and the stations' last pictures are; made if it is
    missing. The daemon and the page run as the same user."""
    host: str = "127.0.0.1"
    """Address to listen on; loopback unless another is asked for, which needs ``certificate``."""
    port: int = Field(default=8108, ge=0, le=65535)
    """TCP port; 0 takes a free one and logs it."""
    certificate: ConfigPath | None = None
    """Certificate chain in PEM; with it, the page is served by TLS alone."""
    key: ConfigPath | None = None
    """Private key of the certificate, in PEM."""
    idle_minutes: PositiveFloat = 60
    """Whoever has not touched the page for so long has to log in again. A picture that comes by itself is no touch."""
    session_hours: PositiveFloat = 12
    """Whoever has been logged in for so long has to log in again, in any case: a shift and its handover."""
    reinspection_s: PositiveFloat = 20
    """Seconds that a person needs to look at a rejected part again: what the page reckons a threshold's cost by."""
    training: LearningSettings | None = None
    """Without it, models are trained elsewhere."""

    @property
    def last_pictures(self) -> Path:
        """Where the daemon puts the last picture of each station, in a folder of its name."""
        return self.folder / "last"

    @model_validator(mode="after")
    def _speaks_in_the_open_at_home_alone(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together; give both or neither")
        if self.certificate is None and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"host {self.host} lets passwords cross the network in the open: give certificate and key")
        return self
