"""Who is logged in: sessions that live in this process alone and end with it."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inspector.ui.accounts import Account

MOST: Final = 1000
"""Sessions at once; the one that has been quiet for longest goes first."""


@dataclass(slots=True)
class Session:
    """Somebody logged in, at one place: ``place`` is the client's address and browser."""

    name: str
    place: str
    csrf: str
    """What every form of this session has to carry."""
    since_s: float
    touched_s: float
    password: str
    """The hash that was right at login: another password ends the session."""


class Sessions:
    """Sessions by their token, of which only a digest is kept. ``clock`` is monotonic, in seconds."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, Account]],
        *,
        idle_s: float,
        longest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def begin(self, account: Account, place: str) -> str:
        """A new session. Returns its token, which is told to nobody else."""
        token = secrets.token_urlsafe(32)
        now_s = self._clock()
        if len(self._sessions) >= MOST:
            del self._sessions[min(self._sessions, key=lambda each: self._sessions[each].touched_s)]
        csrf = secrets.token_urlsafe(32)
        self._sessions[_digest(token)] = Session(account.name, place, csrf, now_s, now_s, account.password)
        return token

    def of(self, token: str, place: str, *, touch: bool) -> tuple[Session, Account] | None:
        """The session and its account, while it lasts. ``touch``: whether a person does something, and it lasts on.

        A token that comes from another place was stolen: its session ends for both.
        """
        session = self._sessions.get(_digest(token))
        if not session:
            return None
        account = self._accounts().get(session.name)
        now_s = self._clock()
        over = now_s - session.touched_s > self._idle_s or now_s - session.since_s > self._longest_s
        if over or session.place != place or not account or account.password != session.password:
            self.end(token)
            return None
        if touch:
            session.touched_s = now_s
        return session, account

    def end(self, token: str) -> None:
        """Log out. Safe to call twice."""
        self._sessions.pop(_digest(token), None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
