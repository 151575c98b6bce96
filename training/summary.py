"""What a fit tells of the model that it made: for people, and for programs."""

from collections.abc import Iterator
from typing import Any

from inspector.bundle import GateRecord
from training.fit import FittedModel
from training.parity import Parity


def summary(model: FittedModel, parity: Parity | None) -> dict[str, Any]:
    """For JSON. ``parity``: of the network in 8 bits, None where there is none."""
    calibration = model.calibration
    return {
        "threshold": calibration.threshold,
        "false_reject_rate": calibration.false_reject_rate,
        "held_out_normals": calibration.normals,
        "anomaly_types": {each.name: each.pictures for each in model.anomaly_types},
        "critical_missed": calibration.critical_missed,
        "gate": model.gate.model_dump(mode="json") if model.gate else None,
        "int8": parity.summary() if parity else None,
        "more_normals": model.more_normals,
    }


def in_words(model: FittedModel, parity: Parity | None) -> Iterator[str]:
    """Lines for the console, in Rich's markup."""
    yield f"threshold {model.calibration.threshold:.4g} from {model.calibration.normals} held-out normals"
    if model.gate:
        yield from _gate_in_words(model.gate)
    if parity:
        yield str(parity)
    yield f"with twice as many normals, normal pictures would look about {model.more_normals:.0%} less novel"


def _gate_in_words(gate: GateRecord) -> Iterator[str]:
    colour = "green" if gate.ships == "with anomalies" else "yellow"
    yield f"ships [bold {colour}]{gate.ships}[/]: {gate.reason}"
    for kind, of in (("known", gate.known), ("unknown", gate.unknown)):
        if of:
            yield f"AUROC on left-out pictures of {kind} types {of[0]:.3f} normals only, {of[1]:.3f} with anomalies"
