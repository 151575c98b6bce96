"""What reaches a station from outside, triggers and commands: read, decided, answered, audited."""

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final, Protocol

from inspector import metrics
from inspector.alarms import Alarms, Refused
from inspector.desk import Decision, Desk, Offer
from inspector.errors import BundleError, ConfigError, MessageError
from inspector.inspection import Reason, Record
from inspector.plc import CommandMessage, CommandReply, Link, ReplyTo, Trigger, TriggerMessage, read_message
from inspector.reporting import Reporter

log = logging.getLogger(__name__)

REMEMBERED: Final = 1000
"""Commands whose replies are kept, to answer a redelivered one without doing it again."""

LONGEST_NAME: Final = 200


class Station(Protocol):
    """What triggers and commands need of a station."""

    name: str

    def refuse(self, trigger: Trigger, reason: str) -> None:
        """Answer a trigger ERROR."""

    def pause(self) -> None:
        """Judge nothing until ``resume``."""

    def resume(self) -> None:
        """Judge again."""

    def set_recipe(self, recipe: str | None) -> None:
        """Judge the next parts by this recipe. Raises KeyError where there is none of that name."""

    def reload(self) -> str:
        """Read the bundles again, and judge the next parts by them. Raises BundleError. Returns what was read."""


class Control:
    """A ``Listener`` for one station. ``deadline_s`` is that of triggers that name none."""

    def __init__(
        self,
        station: Station,
        *,
        desk: Desk,
        alarms: Alarms,
        reporter: Reporter,
        record: Record,
        links: list[Link],
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._station = station
        self._desk = desk
        self._alarms = alarms
        self._reporter = reporter
        self._record = record
        self._links = links
        self._deadline_s = deadline_s
        self._clock = clock
        self._lock = Lock()
        self._replies: OrderedDict[str, tuple[CommandMessage, CommandReply | None]] = OrderedDict()

    def trigger(self, payload: bytes, received_s: float, reply_to: ReplyTo) -> None:
        """See ``Listener``."""
        try:
            message = read_message(payload, TriggerMessage)
        except MessageError as error:
            self._refuse_unread("trigger", error)
            self._answer_unread(payload, received_s, reply_to)
            return
        deadline_s = self._deadline_s if message.deadline_ms is None else message.deadline_ms / 1000
        trigger = Trigger(
            id=message.id or message.part_id or "",
            part_id=message.part_id,
            received_s=received_s,
            deadline_s=received_s + deadline_s,
            recipe=message.recipe,
            reply_to=reply_to,
        )
        self._decide(trigger, self._desk.offer(trigger))

    def command(self, payload: bytes, reply_to: ReplyTo) -> None:
        """See ``Listener``."""
        try:
            message = read_message(payload, CommandMessage)
        except MessageError as error:
            self._refuse_unread("command", error)
            self._send(CommandReply(id=None, command=None, by=None, accepted=False, message=str(error)), reply_to)
            return
        with self._lock:
            known = self._replies.get(message.id)
            if not known:
                self._replies[message.id] = (message, None)
                if len(self._replies) > REMEMBERED:
                    self._replies.popitem(last=False)
        if known:
            self._repeat(message, known, reply_to)
        elif message.command == "reload":
            # Reading a bundle takes seconds, in which triggers have to be taken.
            Thread(target=self._carry_out, args=(message, reply_to), name=f"{self._station.name}-reload").start()
        else:
            self._carry_out(message, reply_to)

    def _decide(self, trigger: Trigger, offer: Offer) -> None:
        metrics.TRIGGERS.labels(self._station.name, offer.decision.name.lower()).inc()
        match offer:
            case Offer(Decision.TAKEN):
                self._reporter.acknowledge(trigger)
            case Offer(Decision.REFUSED | Decision.FORGED, reason) if reason:
                self._station.refuse(trigger, reason)
            case Offer(Decision.REPEATED, _, answer) if answer:
                self._reporter.send_answer(answer, trigger)

    def _answer_unread(self, payload: bytes, received_s: float, reply_to: ReplyTo) -> None:
        """A trigger that breaks a rule, and still has a name, is answered too."""
        names = _names_in(payload)
        if names:
            trigger_id, part_id = names
            trigger = Trigger(trigger_id, part_id, received_s, received_s + self._deadline_s, reply_to=reply_to)
            self._decide(trigger, self._desk.offer(trigger, refuse=Reason.BAD_TRIGGER))

    def _refuse_unread(self, kind: str, error: MessageError) -> None:
        metrics.MESSAGES_REFUSED.labels(self._station.name, kind).inc()
        log.warning("a %s was refused: %s", kind, error, extra={"station": self._station.name})

    def _repeat(
        self, message: CommandMessage, known: tuple[CommandMessage, CommandReply | None], reply_to: ReplyTo
    ) -> None:
        before, reply = known
        if before != message:
            said = f"{message.id} was another command, {before.command} by {before.by}: give each an id of its own"
            reply = CommandReply(id=message.id, command=message.command, by=message.by, accepted=False, message=said)
        if reply:  # one that is still at work will reply
            self._send(reply, reply_to)

    def _carry_out(self, message: CommandMessage, reply_to: ReplyTo) -> None:
        try:
            said, accepted = self._done(message), True
        except (Refused, BundleError, ConfigError) as refusal:
            said, accepted = str(refusal), False
        reply = CommandReply(id=message.id, command=message.command, by=message.by, accepted=accepted, message=said)
        log.info("%s by %s: %s", message.command, message.by, said, extra={"station": self._station.name})
        self._record.note("command", {**message.model_dump(), "accepted": accepted, "message": said})
        with self._lock:
            self._replies[message.id] = (message, reply)
        self._send(reply, reply_to)

    def _done(self, message: CommandMessage) -> str:
        match message.command:
            case "pause":
                self._station.pause()
                return "paused: no part is judged until resume"
            case "resume":
                self._station.resume()
                return "judging again"
            case "acknowledge":
                return self._alarms.acknowledge(message.alarm, message.by)
            case "reset":
                return self._alarms.reset(message.alarm, message.by)
            case "set-recipe":
                return self._recipe_set(message.recipe)
            case "reload":
                return self._station.reload()

    def _recipe_set(self, recipe: str | None) -> str:
        try:
            self._station.set_recipe(recipe)
        except KeyError as error:
            raise Refused(f"there is no recipe {recipe}; the configuration names them under `recipes:`") from error
        return f"parts are judged by {recipe or 'the bundle of the station'}"

    def _send(self, reply: CommandReply, reply_to: ReplyTo) -> None:
        for link in self._links:
            link.reply(reply, reply_to)


def _names_in(payload: bytes) -> tuple[str, str | None] | None:
    """Id and part id of a message that is none, as far as they can be made out."""
    try:
        said: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    names = [said.get(key) for key in ("id", "part_id")]
    trigger_id, part_id = (each if _is_name(each) else None for each in names)
    name = trigger_id or part_id
    return (name, part_id) if name else None


def _is_name(said: object) -> bool:
    """JSON can hold halves of surrogate pairs, which no message of ours can."""
    return isinstance(said, str) and 0 < len(said) <= LONGEST_NAME and said == said.encode(errors="ignore").decode()
