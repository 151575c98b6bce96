"""What is told of each step that a model makes: in the log, the record and over the links; and aloud as an alarm."""

import logging
from collections.abc import Callable
from typing import Any

from inspector.alarms import Alarms
from inspector.inspection import utc_now
from inspector.models.seat import Place
from inspector.plc import ModelMessage, ModelOutcome, ModelStep

log = logging.getLogger(__name__)


class Story:
    """``tell`` and ``note`` are called at each step."""

    def __init__(
        self,
        station: Place,
        *,
        alarms: Alarms,
        tell: Callable[[ModelMessage], None],
        note: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._station = station
        self._alarms = alarms
        self._tell = tell
        self.note = note
        self.last = self._message(ModelStep.SETTLED, "as at the start")

    def step(
        self,
        step: ModelStep,
        message: str,
        *,
        by: str | None = None,
        candidate: str | None = None,
        outcome: ModelOutcome | None = None,
    ) -> None:
        """Tell it."""
        self.last = self._message(step, message, by=by, candidate=candidate, outcome=outcome)
        log.info("model %s: %s", step, message, extra={"station": self._station.name})
        self.note("model", self.last.model_dump(mode="json"))
        self._tell(self.last)

    def alarm(self, message: str) -> None:
        """Another model judges than somebody believes: that must be told, although it is over as soon as it happens."""
        self._alarms.raise_("model_reverted", message)
        self._alarms.relieve("model_reverted")

    def _message(self, step: ModelStep, message: str, **fields: Any) -> ModelMessage:
        own = self._station.own.bundle
        digest, name = (own.digest, own.manifest.name) if own else (None, None)
        return ModelMessage(bundle=digest, name=name, step=step, at=utc_now(), message=message, **fields)
