"""Everything that the page's answers are made of, built from a configuration once."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request

from inspector.archive.reading import Reading
from inspector.bundle.manifest import AnomalyType
from inspector.config import Config
from inspector.errors import ConfigError
from inspector.inspection import Inspection, Record
from inspector.labels.book import Labels
from inspector.labels.label import Anomaly
from inspector.labels.teacher import Teacher
from inspector.last_picture import LastPictures
from inspector.models import Store
from inspector.operator_page import AUDIT, PageSettings
from inspector.records import RecordSettings
from inspector.ui.accounts import Accounts
from inspector.ui.board import Board
from inspector.ui.collecting import Collecting
from inspector.ui.history import History
from inspector.ui.hub import Hub
from inspector.ui.learning import Learning
from inspector.ui.likeness import Likeness
from inspector.ui.sessions import Sessions
from inspector.ui.switchboard import Switchboard
from inspector.ui.throttle import Throttle

TEN_YEARS: Final = 3650.0
"""Days for which the audit is kept: a label lasts for as long as somebody may want to learn from it."""


@dataclass(frozen=True, slots=True)
class Office:
    """``histories`` and ``pictures`` are by station; ``archive`` and ``store`` None where the configuration has none.

    ``audit`` keeps who did what here, ``labels`` among it.
    """

    settings: PageSettings
    accounts: Accounts
    sessions: Sessions
    throttle: Throttle
    hub: Hub
    histories: Mapping[str, History]
    pictures: Mapping[str, LastPictures]
    switchboard: Switchboard
    store: Store | None
    likeness: Likeness
    archive: Reading | None
    audit: Record
    labels: Labels
    teacher: Teacher
    learning: Learning | None
    """None where models are trained elsewhere."""
    collecting: Collecting | None
    """The same."""

    @property
    def tls(self) -> bool:
        """Whether browsers come by TLS."""
        return self.settings.certificate is not None

    def anomalies(self, said: Inspection) -> dict[str, Anomaly]:
        """The types that a part may be of, by name: those of the model that judged it, and those that were given since.

        What was said here of a type's weight overrules the model's.
        """
        types = self.likeness.types(said.bundle) if said.bundle else ()
        named = self.labels.read().anomalies.get(said.station, {})
        return {each.type: each for each in _trained(types)} | dict(named)


def open_office(config: Config) -> Office:
    """Raises ConfigError for what is missing, saying how to make it; RecordError where that may pass."""
    if not config.ui:
        raise ConfigError("the configuration has no `ui:` section; configs/inspector/line.yaml shows one")
    if not config.record:
        raise ConfigError("the page shows what the record holds, and the configuration has no `record:` section")
    accounts = Accounts(config.ui.folder)
    if not accounts.all():
        raise ConfigError("nobody can log in yet: `inspector accounts CONFIG add NAME --role engineer` makes the first")
    names = [station.name for station in config.stations]
    store = Store(config.models.folder) if config.models else None
    switchboard = Switchboard(config.control.socket if config.control else None)
    histories = {name: History(config.record.folder, name) for name in names}
    pictures = {name: LastPictures(config.ui.last_pictures / name) for name in names}
    archived = config.archive.folder if config.archive else None
    archive = Reading(archived) if archived else None
    audit = RecordSettings(folder=config.ui.folder, keep_days=TEN_YEARS).open(AUDIT, [])
    labels = Labels(config.ui.folder)
    teacher = Teacher(audit, labels, archived)
    learning = collecting = None
    if training := config.ui.training:
        if not store or not archived or not archive:
            raise ConfigError("ui.training needs an `archive:`, for the pictures, and `models:`, for the candidates")
        if unknown := sorted(training.configs.keys() - set(names)):
            raise ConfigError(f"ui.training.configs: there is no station {unknown[0]}")
        learning = Learning(training, store=store, archive=archive, labels=labels, audit=audit)
        collecting = Collecting(
            histories,
            pictures,
            archive=archived,
            labels=labels,
            teacher=teacher,
            min_difference=training.min_difference,
        )
    return Office(
        settings=config.ui,
        accounts=accounts,
        sessions=Sessions(accounts.all, idle_s=60 * config.ui.idle_minutes, longest_s=3600 * config.ui.session_hours),
        throttle=Throttle(),
        hub=Hub(Board(histories, pictures, switchboard)),
        histories=histories,
        pictures=pictures,
        switchboard=switchboard,
        store=store,
        likeness=Likeness(partial(_bundles, config, store)),
        archive=archive,
        audit=audit,
        labels=labels,
        teacher=teacher,
        learning=learning,
        collecting=collecting,
    )


def _trained(types: Iterable[AnomalyType]) -> Iterator[Anomaly]:
    for each in types:
        with suppress(ValidationError):  # what can be no folder of a training set is not offered
            yield Anomaly(type=each.name, weight=each.weight, critical=each.critical)


def _bundles(config: Config, store: Store | None) -> list[Path]:
    """Every folder in which the bundle of a verdict may be."""
    named = [path for station in config.stations for path in (station.bundle, *station.recipes.values()) if path]
    return named + ([store.path(digest) for digest in store.digests()] if store else [])


def office_of(request: Request) -> Office:
    """That of the application."""
    state: Any = request.app.state
    office: Office = state.office
    return office
