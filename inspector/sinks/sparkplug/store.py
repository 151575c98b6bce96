"""Results that nobody has read yet for certain: those that wait, and those that are on their way."""

from collections import deque

from inspector.inspection import Inspection


class Store:
    """Holds at most ``size`` results, oldest first out. QoS 0 has no receipts: what is on its way counts as unread.

    Each result that is sent gets a number, and ``confirm`` takes all up to a number for read. Not for several threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: deque[Inspection] = deque()
        self._sent: deque[tuple[int, Inspection]] = deque()
        self.last_number = 0
        """The number of the result that was sent last."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def unconfirmed(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._sent)

    def keep(self, inspection: Inspection) -> int:
        """Let it wait. Returns how many others were given up for it."""
        self._waiting.append(inspection)
        return self._give_up()

    def sent(self, inspection: Inspection) -> int:
        """It is on its way. Returns how many others were given up for it."""
        self.last_number += 1
        self._sent.append((self.last_number, inspection))
        return self._give_up()

    def take(self, most: int) -> list[Inspection]:
        """The oldest of those that wait, which are then on their way."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        for inspection in taken:
            self.sent(inspection)
        return taken

    def confirm(self, number: int) -> None:
        """All up to this number were read."""
        while self._sent and self._sent[0][0] <= number:
            self._sent.popleft()

    def put_back(self) -> None:
        """Nobody can tell what became of those on their way: they wait again, in their old order."""
        unread = [*(inspection for _, inspection in self._sent), *self._waiting]
        self._sent.clear()
        self._waiting = deque(sorted(unread, key=lambda each: each.sequence))

    def _give_up(self) -> int:
        if len(self) <= self._size:
            return 0
        if self._waiting:
            self._waiting.popleft()
        else:
            self._sent.popleft()
        return 1
