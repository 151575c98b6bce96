"""What reaches a station over its links, triggers and commands: read, decided, answered."""

import json
import logging
from collections.abc import Callable
from typing import Any, Final

from inspector import metrics
from inspector.commands import Commands
from inspector.desk import Decision, Desk, Offer
from inspector.errors import MessageError
from inspector.inspection import Reason
from inspector.plc import CommandMessage, CommandReply, Link, ReplyTo, Trigger, TriggerMessage, read_message
from inspector.reporting import Reporter

log = logging.getLogger(__name__)

LONGEST_NAME: Final = 200


class Control:
    """A ``Listener`` for one station.

    ``refuse`` answers a trigger ERROR, ``deadline_s`` is that of triggers that name none.
    """

    def __init__(
        self,
        station: str,
        *,
        desk: Desk,
        reporter: Reporter,
        commands: Commands,
        links: list[Link],
        refuse: Callable[[Trigger, str], None],
        deadline_s: float,
    ) -> None:
        self._station = station
        self._desk = desk
        self._reporter = reporter
        self._commands = commands
        self._links = links
        self._refuse = refuse
        self._deadline_s = deadline_s

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
        self._commands.ask(message, lambda reply: self._send(reply, reply_to))

    def _decide(self, trigger: Trigger, offer: Offer) -> None:
        metrics.TRIGGERS.labels(self._station, offer.decision.name.lower()).inc()
        match offer:
            case Offer(Decision.TAKEN):
                self._reporter.acknowledge(trigger)
            case Offer(Decision.REFUSED | Decision.FORGED, reason) if reason:
                self._refuse(trigger, reason)
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
        metrics.MESSAGES_REFUSED.labels(self._station, kind).inc()
        log.warning("a %s was refused: %s", kind, error, extra={"station": self._station})

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
