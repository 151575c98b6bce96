"""Whether the operator's page is installed, and can train where it is to."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from inspector.doctor.findings import Finding, Subject, bad, good
from inspector.operator_page import LearningSettings

PACKAGES: Final = ("starlette", "uvicorn", "argon2", "babel")
"""Of the extra ``ui``."""


def look_at_page(subject: Subject) -> Iterator[Finding]:
    """Nothing where the configuration has no page."""
    ui = subject.config.ui
    if not ui:
        return
    about = "operator's page"
    if missing := [package for package in PACKAGES if not find_spec(package)]:
        advice = "pip install 'line-inspector[ui]', or deploy/install.sh --extras ui"
        yield bad(about, f"cannot be served without {', '.join(missing)}", advice)
    else:
        yield good(about, "installed")
    if ui.training:
        yield from _training(ui.training, {station.name for station in subject.config.stations})


def _training(training: LearningSettings, stations: set[str]) -> Iterator[Finding]:
    if not training.program:
        advice = "pip install 'line-inspector[train]', or deploy/install.sh --extras ui,train"
        yield bad("training", f"there is no {training.command}", advice)
    for station, file in training.configs.items():
        about = f"{station}: training"
        if station not in stations:
            yield bad(about, "there is no such station", "correct ui.training.configs")
        elif not file.is_file():
            yield bad(about, f"{file} is not there", "configs/training/first-day.yaml is one to begin with")
        else:
            yield good(about, f"by {file}")
