"""What is on its way to the broker, until the broker has acknowledged it."""

from dataclasses import dataclass
from threading import Condition


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way. ``sequence``: that of the result it carries; ``again``: it comes out of the outbox."""

    sequence: int | None = None
    again: bool = False


class Receipts:
    """Messages by the identifiers that paho gave them. ``changed`` is notified whenever there are fewer.

    paho calls back with its own lock held, so nothing of paho may be called under ``changed``: an acknowledgement can
    come before the thread that published has learnt the identifier.
    """

    def __init__(self, changed: Condition) -> None:
        self._changed = changed
        self._sent: dict[int, Sent] = {}
        self._early: set[int] = set()

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def sent_again(self) -> int:
        """How many of the messages come out of the outbox."""
        return sum(each.again for each in self._sent.values())

    def holds(self, sequence: int) -> bool:
        """Whether this result is on its way."""
        return any(each.sequence == sequence for each in self._sent.values())

    def add(self, identifier: int, sent: Sent) -> Sent | None:
        """Note what was sent. Returns it where it has been acknowledged already."""
        with self._changed:
            if identifier in self._early:
                self._early.discard(identifier)
                return sent
            self._sent[identifier] = sent
            return None

    def take(self, identifier: int) -> Sent | None:
        """What is acknowledged by this; None where ``add`` is still to come, which will say so."""
        with self._changed:
            sent = self._sent.pop(identifier, None)
            if sent is None:
                self._early.add(identifier)
            self._changed.notify_all()
            return sent

    def forget(self) -> None:
        """The connection has ended, no acknowledgement will come."""
        with self._changed:
            self._sent.clear()
            self._early.clear()
            self._changed.notify_all()
