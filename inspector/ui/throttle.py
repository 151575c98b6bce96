"""Passwords cannot be tried out: after some failures each further one costs a wait that doubles."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FREE: Final = 5
"""Failures before anybody has to wait."""

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
FORGOTTEN_AFTER_S: Final = 3600.0
MOST: Final = 10_000
"""Names and addresses that are remembered."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_s: float = 0.0

    @property
    def wait_s(self) -> float:
        """After the last failure."""
        beyond = self.count - FREE
        # The exponent is bounded before the power is: nothing stops an attacker from counting up.
        return 0.0 if beyond < 0 else min(FIRST_WAIT_S * 2 ** min(beyond, 10), LONGEST_WAIT_S)


class Throttle:
    """Counts failures by key: the account's name, and the client's address. ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, *keys: str) -> float:
        """How long the next attempt under any of these keys has to wait; 0 when it may be made."""
        now_s = self._clock()
        found = [self._failures[key] for key in keys if key in self._failures]
        return max((each.last_s + each.wait_s - now_s for each in found), default=0.0)

    def failed(self, *keys: str) -> None:
        """An attempt under these keys has failed."""
        now_s = self._clock()
        for key in keys:
            failures = self._failures.pop(key, _Failures())
            if now_s - failures.last_s > FORGOTTEN_AFTER_S:
                failures = _Failures()
            self._failures[key] = _Failures(failures.count + 1, now_s)
        while len(self._failures) > MOST:
            self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        """Somebody knew the password: these keys are forgotten."""
        for key in keys:
            self._failures.pop(key, None)
