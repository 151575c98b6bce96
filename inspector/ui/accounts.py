"""Who may log in, and what as: a file of names, roles and password hashes."""

import json
import os
import secrets
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import Field, ValidationError

from inspector.errors import ConfigError
from inspector.settings import Settings

FILE: Final = "accounts.json"
LARGEST_PASSWORD: Final = 200
"""Characters; hashing what is longer would only cost."""

SHORTEST_PASSWORD: Final = 10
"""Characters. NIST SP 800-63B-4, section 3.1.1.2 asks for 8 beside a second factor, and for 15 without: between them,
since attempts are slowed down and the page is for a plant's own network."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # what can be told apart on a note
_HASHER: Final = PasswordHasher()
"""Argon2id with the parameters of RFC 9106, section 4, second choice."""


class Role(StrEnum):
    """What somebody may do; each may do what those before may."""

    VIEWER = "viewer"
    """Look."""
    OPERATOR = "operator"
    """Acknowledge and reset alarms."""
    ENGINEER = "engineer"
    """Change what the station does."""

    def may(self, needed: "Role") -> bool:
        """Whether this role is the needed one or more."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Account(Settings):
    """One person, or one screen on a wall."""

    name: str = Field(pattern=r"^[\w.@-]{1,64}$")
    role: Role
    password: str
    """Its hash, Argon2id in PHC form."""


class _File(Settings):
    version: Literal[1] = 1
    accounts: tuple[Account, ...] = ()


class Accounts:
    """The accounts in ``folder``; whoever else changes the file is noticed at the next question."""

    def __init__(self, folder: Path, hasher: PasswordHasher = _HASHER) -> None:
        """Raises ConfigError for a file that cannot be read."""
        self._file = folder / FILE
        self._hasher = hasher
        self._nobody = hasher.hash(secrets.token_urlsafe())
        self._stamp: tuple[int, int] | None = None
        self._known: dict[str, Account] = {}
        self.all()

    def all(self) -> dict[str, Account]:
        """By name. Raises ConfigError."""
        try:
            status = self._file.stat()
            stamp = (status.st_ino, status.st_mtime_ns)
            if stamp != self._stamp:
                read = _File.model_validate_json(self._file.read_bytes())
                self._known, self._stamp = {each.name: each for each in read.accounts}, stamp
        except FileNotFoundError:
            self._known, self._stamp = {}, None
        except OSError as error:
            raise ConfigError(f"{self._file}: cannot be read: {error.strerror}; let this user read it") from error
        except ValidationError as error:
            raise ConfigError(
                f"{self._file}: is damaged ({error.error_count()} mistakes); move it away and make the accounts anew"
            ) from error
        return self._known

    def verified(self, name: str, password: str) -> Account | None:
        """The account, if this is its password. Takes as long for a name that nobody has."""
        account = self.all().get(name)
        if len(password) > LARGEST_PASSWORD:
            return None
        try:
            self._hasher.verify(account.password if account else self._nobody, password)
        except (VerificationError, InvalidHashError):
            return None
        return account

    def add(self, name: str, role: Role, password: str) -> None:
        """Make an account. Raises ConfigError for a name that is taken or odd, and for a short password."""
        if name in self.all():
            raise ConfigError(f"there is an account {name} already; `password` gives it another one")
        self._change(lambda known: {**known, name: self._account(name, role, password)})

    def change_password(self, name: str, password: str) -> None:
        """Give an account another password. Raises ConfigError where there is no such account."""
        role = self._existing(name).role
        self._change(lambda known: {**known, name: self._account(name, role, password)})

    def change_role(self, name: str, role: Role) -> None:
        """Let somebody do more, or less. Raises ConfigError where there is no such account."""
        account = self._existing(name)
        self._change(lambda known: {**known, name: account.model_copy(update={"role": role})})

    def remove(self, name: str) -> None:
        """Take an account away; whoever is logged in by it is out. Raises ConfigError where there is none."""
        self._existing(name)
        self._change(lambda known: {each: known[each] for each in known if each != name})

    def _existing(self, name: str) -> Account:
        account = self.all().get(name)
        if not account:
            raise ConfigError(f"there is no account {name}; known are {', '.join(self.all()) or 'none'}")
        return account

    def _account(self, name: str, role: Role, password: str) -> Account:
        if not SHORTEST_PASSWORD <= len(password) <= LARGEST_PASSWORD:
            raise ConfigError(f"a password has {SHORTEST_PASSWORD} to {LARGEST_PASSWORD} characters")
        try:
            return Account(name=name, role=role, password=self._hasher.hash(password))
        except ValidationError as error:
            raise ConfigError(f"{name!r} is no name: up to 64 letters, digits, and . _ - @") from error

    def _change(self, change: Callable[[dict[str, Account]], dict[str, Account]]) -> None:
        accounts = _File(accounts=tuple(change(self.all()).values()))
        folder = self._file.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:  # mode 0600
                json.dump(accounts.model_dump(mode="json"), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._file)
        except OSError as error:
            raise ConfigError(f"{self._file}: cannot be written: {error.strerror}; be the page's user") from error
        self.all()


def made_up_password() -> str:
    """20 characters in groups, about 99 bits."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    return "-".join(drawn[start : start + 5] for start in range(0, 20, 5))
