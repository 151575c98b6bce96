"""What a person, or a system for one, asks of a station: done once, answered, audited."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final, Protocol

from inspector.alarms import Alarms, Refused
from inspector.errors import InspectorError
from inspector.inspection import StationState
from inspector.models import Rollout
from inspector.plc import CommandMessage, CommandReply, StationStatus
from inspector.tally import Tally

log = logging.getLogger(__name__)

REMEMBERED: Final = 1000
"""Commands whose replies are kept, to answer a redelivered one without doing it again."""

SLOW: Final = {"reload", "deploy", "rollback"}
"""Reading a bundle takes seconds, in which triggers have to be taken."""

Answer = Callable[[CommandReply], None]


class Station(Protocol):
    """What commands need of a station."""

    name: str

    @property
    def state(self) -> StationState:
        """What it is doing."""

    @property
    def digest(self) -> str | None:
        """Of the bundle that judges."""

    def pause(self) -> None:
        """Judge nothing until ``resume``."""

    def resume(self) -> None:
        """Judge again."""

    def set_recipe(self, recipe: str | None) -> None:
        """Judge the next parts by this recipe. Raises KeyError where there is none of that name."""

    def reload(self) -> str:
        """Read the bundles again, and judge the next parts by them. Raises BundleError. Returns what was read."""


class Commands:
    """Any thread may ask. ``ready`` tells whether a trigger would be taken now, ``note`` keeps what was asked."""

    def __init__(
        self,
        station: Station,
        *,
        alarms: Alarms,
        note: Callable[[str, dict[str, Any]], None],
        tally: Tally,
        ready: Callable[[], bool],
        models: Rollout | None = None,
    ) -> None:
        self._station = station
        self._alarms = alarms
        self._note = note
        self._tally = tally
        self._ready = ready
        self._models = models
        self._lock = Lock()
        self._replies: OrderedDict[str, tuple[CommandMessage, CommandReply | None]] = OrderedDict()

    def ask(self, message: CommandMessage, answer: Answer) -> None:
        """Carry the command out, and ``answer`` it once; a slow one in a thread of its own."""
        if message.command == "status":  # whoever looks every second must not fill the record
            answer(_reply(message, "as follows", accepted=True, status=self.status()))
            return
        with self._lock:
            known = self._replies.get(message.id)
            if not known:
                self._replies[message.id] = (message, None)
                if len(self._replies) > REMEMBERED:
                    self._replies.popitem(last=False)
        if known:
            self._repeat(message, known, answer)
        elif message.command in SLOW:
            name = f"{self._station.name}-{message.command}"
            Thread(target=self._carry_out, args=(message, answer), name=name, daemon=True).start()
        else:
            self._carry_out(message, answer)

    def status(self) -> StationStatus:
        """What the station is doing, by what, and what it has said."""
        return StationStatus(
            state=self._station.state,
            ready=self._ready(),
            bundle=self._station.digest,
            model=self._models.last if self._models else None,
            verdicts=self._tally.verdicts(),
            rate_hz=round(self._tally.rate_hz(), 2),
        )

    def _repeat(
        self, message: CommandMessage, known: tuple[CommandMessage, CommandReply | None], answer: Answer
    ) -> None:
        before, reply = known
        if before != message:
            said = f"{message.id} was another command, {before.command} by {before.by}: give each an id of its own"
            reply = _reply(message, said, accepted=False)
        if reply:  # one that is still at work will reply
            answer(reply)

    def _carry_out(self, message: CommandMessage, answer: Answer) -> None:
        try:
            said, accepted = self._done(message), True
        except (Refused, InspectorError, OSError) as refusal:
            said, accepted = str(refusal), False
        reply = _reply(message, said, accepted=accepted)
        log.info("%s by %s: %s", message.command, message.by, said, extra={"station": self._station.name})
        asked = message.model_dump(exclude_none=True)
        self._note("command", {**asked, "accepted": accepted, "message": said})
        with self._lock:
            self._replies[message.id] = (message, reply)
        answer(reply)

    def _done(self, message: CommandMessage) -> str:
        by = message.by
        doing: dict[str, Callable[[], str]] = {
            "pause": self._paused,
            "resume": self._resumed,
            "acknowledge": lambda: self._alarms.acknowledge(message.alarm, by),
            "reset": lambda: self._alarms.reset(message.alarm, by),
            "set-recipe": lambda: self._recipe_set(message.recipe),
            "reload": self.reload,
            "deploy": lambda: self._rollout.deploy(message),
            "rollback": lambda: self._rollout.rollback(by),
        }
        return doing[message.command]()

    def _paused(self) -> str:
        self._station.pause()
        return "paused: no part is judged until resume"

    def _resumed(self) -> str:
        self._station.resume()
        return "judging again"

    def _recipe_set(self, recipe: str | None) -> str:
        try:
            self._station.set_recipe(recipe)
        except KeyError as error:
            raise Refused(f"there is no recipe {recipe}; the configuration names them under `recipes:`") from error
        return f"parts are judged by {recipe or 'the bundle of the station'}"

    def reload(self, prepare: Callable[[], None] = lambda: None) -> str:
        """Have the station judge by its bundles as they are once ``prepare`` has returned. Raises InspectorError."""

        def read() -> str:
            prepare()
            return self._station.reload()

        return self._models.settled(read) if self._models else read()

    @property
    def _rollout(self) -> Rollout:
        if self._models is None:
            raise Refused("there is no store of bundles; name its folder in the configuration, models: {folder: …}")
        return self._models


def _reply(message: CommandMessage, said: str, *, accepted: bool, status: StationStatus | None = None) -> CommandReply:
    return CommandReply(
        id=message.id, command=message.command, by=message.by, accepted=accepted, message=said, status=status
    )
