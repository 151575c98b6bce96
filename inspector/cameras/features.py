"""Features of a camera by their GenICam names: checked against what it reports, set, and read back."""

import difflib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from inspector.errors import CameraError

Value = bool | int | float | str

Kind = Literal["integer", "float", "boolean", "enumeration", "string", "command"]

Wish = tuple[str, Value]
"""The name of a feature, and what it is to be."""

FLOAT_TOLERANCE: Final = 0.01
"""A camera rounds times and gains to what its sensor can do; further off than this share, it does something else."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a camera says of one of its features; ``None`` where it sets no bound."""

    kind: Kind
    is_writable: bool = True
    entries: Sequence[str] = ()
    least: float | None = None
    most: float | None = None
    step: float | None = None


class NodeMap(Protocol):
    """The features of an open camera."""

    def has(self, name: str) -> bool:
        """Whether the camera has such a feature, whether it can be used now or not."""

    def names(self) -> Collection[str]:
        """Of those that it lists."""

    def describe(self, name: str) -> Feature:
        """What the camera says of it, as things stand. Raises CameraError when it cannot be asked."""

    def read(self, name: str) -> Value:
        """What it is. Raises CameraError when it cannot be read."""

    def write(self, name: str, value: Value) -> None:
        """Set it. Raises CameraError when the camera refuses."""

    def execute(self, name: str) -> None:
        """Run a command. Raises CameraError when the camera refuses."""


def configure(nodes: NodeMap, wishes: Iterable[Wish]) -> None:
    """Set the features in their order, and then see whether the camera kept to all of it.

    Raises CameraError for a feature that is not there, for a value that it does not take, and for what it does instead.
    """
    granted: dict[str, tuple[Value, Feature]] = {}
    for name, wish in wishes:
        feature = described(nodes, name)
        value = fitting(name, wish, feature)
        if feature.kind == "command":
            if value:
                nodes.execute(name)
        else:
            nodes.write(name, value)
            granted[name] = value, feature
    # Only now: a feature that is set later may change one that was set before.
    given = {name: nodes.read(name) for name in granted}
    differing = [name for name in granted if not _agrees(*granted[name], given[name])]
    if differing:
        asked = _listed({name: granted[name][0] for name in differing})
        raise CameraError(f"was asked for {asked} and gives {_listed({name: given[name] for name in differing})}")


def described(nodes: NodeMap, name: str) -> Feature:
    """The feature of that name, which can be set now. Raises CameraError."""
    if not nodes.has(name):
        raise CameraError(f"has no feature {name}{_did_you_mean(name, nodes.names())}")
    feature = nodes.describe(name)
    if not feature.is_writable:
        raise CameraError(f"does not let {name} be set, or not with its other features as they are")
    return feature


def fitting(name: str, wish: Value, feature: Feature) -> Value:
    """The value as the feature takes it. Raises CameraError where it does not."""
    match feature.kind:
        case "enumeration":
            return _entry(name, wish, feature)
        case "integer" | "float":
            return _number(name, wish, feature)
        case "boolean" | "command" if not isinstance(wish, bool):
            raise CameraError(f"takes true or false for {name}, not {wish!r}")
        case "string":
            return str(wish)
    return wish


def _entry(name: str, wish: Value, feature: Feature) -> str:
    # YAML reads On and Off as true and false, and GenICam has many features of just these two.
    entry = {True: "On", False: "Off"}[wish] if isinstance(wish, bool) else str(wish)
    if entry not in feature.entries:
        known = ", ".join(feature.entries)
        raise CameraError(f"knows no {name} {entry}{_did_you_mean(entry, feature.entries)}; it has {known}")
    return entry


def _number(name: str, wish: Value, feature: Feature) -> Value:
    is_whole = feature.kind == "integer"
    if isinstance(wish, bool | str) or (is_whole and not float(wish).is_integer()):
        raise CameraError(f"takes a {'whole ' if is_whole else ''}number for {name}, not {wish!r}")
    least = -math.inf if feature.least is None else feature.least
    most = math.inf if feature.most is None else feature.most
    if not least <= wish <= most:
        raise CameraError(f"takes {name} from {least:.10g} to {most:.10g}, not {wish:.10g}")
    if not is_whole:
        return float(wish)
    if feature.step and (wish - (feature.least or 0)) % feature.step:
        raise CameraError(f"takes {name} in steps of {feature.step:g} from {feature.least or 0:.10g}, not {wish:.10g}")
    return int(wish)


def _agrees(wish: Value, feature: Feature, given: Value) -> bool:
    if isinstance(wish, float) and isinstance(given, int | float):
        return abs(wish - given) <= max(feature.step or 0.0, FLOAT_TOLERANCE * abs(wish))
    return wish == given


def _listed(values: dict[str, Value]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items())


def _shown(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _did_you_mean(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
