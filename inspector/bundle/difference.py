"""What two bundles do not have in common, fact by fact."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from inspector.bundle.manifest import Calibration, Manifest

NAMED_BY: Final = ("name", "file", "at")
"""What tells the members of a list apart: anomaly types, golden pictures, calibrations."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact, by its path in the manifest, as both bundles have it; None where one has none."""

    fact: str
    a: Any
    b: Any


def differences(a: Manifest, b: Manifest) -> list[Difference]:
    """All facts that are not the same, in the manifest's order."""
    of_a, of_b = facts(a), facts(b)
    names = [*of_a, *(name for name in of_b if name not in of_a)]
    return [Difference(name, of_a.get(name), of_b.get(name)) for name in names if of_a.get(name) != of_b.get(name)]


def facts(manifest: Manifest) -> dict[str, Any]:
    """Every value of the manifest by its path, with dots, and how many left-out pictures of each type were caught."""
    caught = {f"left_out.{name}.caught": said for name, said in caught_by_type(manifest.calibration).items()}
    return dict(_leaves(manifest.model_dump(mode="json"), "")) | caught


def caught_by_type(calibration: Calibration) -> dict[str, str]:
    """Of the left-out pictures of each anomaly type, how many score above the threshold, in words."""
    scores = {**calibration.critical_scores, **calibration.other_scores}
    return {
        name: f"{sum(score > calibration.threshold for score in own)} of {len(own)}" for name, own in scores.items()
    }


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inside in value.items():
            yield from _leaves(inside, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for place, inside in enumerate(value):
            name = next((inside[key] for key in NAMED_BY if key in inside), place)
            yield from _leaves(inside, f"{path}[{name}]")
    else:
        yield path, value
