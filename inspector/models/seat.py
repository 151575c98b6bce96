"""Which model judges at a station, which did before, and where a restart finds that."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from inspector.errors import ModelError
from inspector.judge import Judge
from inspector.models.pointer import CONFIGURED, Pointer, PointerFile, Source, said


class Place(Protocol):
    """What a change of models needs of its station."""

    name: str

    @property
    def own(self) -> Judge:
        """What judges parts for which no recipe is set."""

    def use(self, own: Judge) -> None:
        """Judge the next parts by this, unless a recipe is set."""


class Seat:
    """Changes hands between two parts. ``load`` makes a judge of a bundle that is on the disk alone."""

    def __init__(
        self,
        station: Place,
        file: PointerFile,
        *,
        configured: Callable[[], Path | None],
        load: Callable[[Source], Judge],
    ) -> None:
        self._station = station
        self._configured = configured
        self._file = file
        self._load = load
        self._pointer = Pointer()
        self._previous: Judge | None = None

    @property
    def digest(self) -> str | None:
        """Of the bundle that judges."""
        return self._station.own.digest

    def begin(self) -> str | None:
        """Take up where the last life has ended. Returns why another model judges than was deployed, if so."""
        try:
            pointer = self._file.read()
            self._pointer = pointer.valid(self._configured())
            if self._pointer.previous is None:
                self._previous = None
            if self._pointer.current not in {CONFIGURED, self.digest}:
                self._pointer = self._none()
                return f"{short(pointer.current)} was deployed and cannot be used"
            if not pointer.proved and pointer.configured == self._pointer.configured:
                self._file.write(self._pointer)
                return f"{short(pointer.current)} was on probation when the daemon ended, and is taken back"
        except ModelError as error:
            self._pointer = self._none()
            return str(error)
        return None

    def _none(self) -> Pointer:
        """Nothing was deployed."""
        return Pointer(configured=said(self._configured()))

    def give_to(self, judge: Judge) -> None:
        """From the next part on, on probation. Raises ModelError where the disk does not take it: nothing has changed.

        The disk first: a restart must judge by what was said to judge.
        """
        pointer = self._none().model_copy(
            update={"current": judge.digest, "previous": self._pointer.current, "proved": False}
        )
        self._file.write(pointer)
        self._pointer, self._previous = pointer, self._station.own
        self._station.use(judge)

    def confirm(self) -> str | None:
        """The probation is over. Returns what a restart would make of it, where the disk did not take it."""
        self._pointer = self._pointer.model_copy(update={"proved": True})
        try:
            self._file.write(self._pointer)
        except ModelError as error:
            return f"deployed, but a restart would take {short(self.digest)} back: {error}"
        return None

    def take_back(self) -> str | None:
        """Have the one before judge again; where it judged in this life, from the next part on.

        Nothing is left to go back to then: whoever asks twice must not get the model that he got rid of. Returns what a
        restart would make of it, where the disk did not take it. Raises InspectorError where there is none to go to.
        """
        if self._pointer.previous is None:
            raise ModelError("there is no model to go back to")
        before, dropped = self._previous or self._load(self._pointer.previous), self.digest
        self._pointer, self._previous = self._none().model_copy(update={"current": self._pointer.previous}), None
        self._station.use(before)
        try:
            self._file.write(self._pointer)
        except ModelError as error:
            return f"rolled back, but a restart would judge by {short(dropped)} again: {error}"
        return None


def short(digest: str | None) -> str:
    """As people say it."""
    return f"bundle {digest[:12]}" if digest else "no model"
