"""A fitted model as a bundle: one ONNX graph that takes camera pixels, proved to say what training's code says."""

import logging
import platform
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import compose
from torch import Tensor, nn

from inspector import __version__
from inspector.bundle import MODEL, Calibration, CalibrationEvent, GoldenPicture, Normals, write_bundle
from inspector.engines.graph import EMBEDDING, INPUT, PATCHES, POOLED
from inspector.errors import BundleError
from inspector.inspection import Floats, Outcome, Pixels, utc_now
from training.fit import FittedModel
from training.history import event
from training.network import Network, Trunk
from training.parity import Parity, prove
from training.quantise import quantised
from training.remembered import Memory
from training.seen import TrainingSet

OPSET: Final = 18
GOLDEN_PER_LABEL: Final = 3
"""Pictures of the held-out normals and of each anomaly type that travel with the bundle, at most."""

CLEAR: Final = 0.5
"""Spreads of normals' scores that a clear case is from the threshold at least; 8 bits change most scores by less."""


class _Looking(nn.Module):
    """The trunk as the daemon meets it: from uint8 pictures to what it sees, patches as they come."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return self.trunk.raw(pictures.permute(0, 3, 1, 2).float())


class _Rest(nn.Module):
    """From what the trunk sees to the three parts of ``inspector.inspection.Features``."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pooled: Tensor, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.features(pooled, self.network.trunk.standardised(patches))


def to_onnx(network: Network, height: int, width: int, trunk: bytes = b"") -> tuple[bytes, bytes]:
    """The network as one ONNX file, for any number of pictures of one size; and its trunk alone, likewise.

    The two are made apart, and joined: a trunk that never changes need not be made again, which takes most of the time.
    ``trunk``: made before.
    """
    pictures = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    looking = _Looking(network.trunk).eval()
    trunk = trunk or _graph(looking, (pictures,), [INPUT], ["seen.pooled", "seen.patches"])
    with torch.inference_mode():
        seen = looking(pictures)
    seen = tuple(each.clone() for each in seen)
    rest = _graph(_Rest(network).eval(), seen, ["rest.pooled", "rest.patches"], [EMBEDDING, POOLED, PATCHES])
    first = onnx.load_from_string(trunk)
    joined = compose.merge_models(
        first,
        compose.add_prefix(onnx.load_from_string(rest), "rest.", rename_inputs=False, rename_outputs=False),
        io_map=[("seen.pooled", "rest.pooled"), ("seen.patches", "rest.patches")],
    )
    del joined.opset_import[:]  # the library names the one that both have twice, which is not valid
    joined.opset_import.extend(first.opset_import)
    return joined.SerializeToString(), trunk


def _graph(module: nn.Module, examples: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    n = torch.export.Dim("n", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own future are nothing to the user
        program = torch.onnx.export(
            module,
            examples,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: n} for _ in examples),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise BundleError("torch gave no ONNX program for this network")
    with tempfile.TemporaryDirectory() as folder:
        program.save(Path(folder, MODEL), external_data=False)
        return Path(folder, MODEL).read_bytes()


def golden_pictures(model: FittedModel, data: TrainingSet) -> dict[str, Pixels]:
    """A few held-out normals and a few pictures of each anomaly type, by label.

    Pictures so near to the threshold that rounding decides on them would prove nothing. The clearest cases are taken;
    of those that are not clear only the best, where a label has no other.
    """
    labelled = {"normal": data.held_out, **data.anomalies}
    few = {label: own[: 4 * GOLDEN_PER_LABEL] for label, own in labelled.items()}
    scores = {label: model.score(own) for label, own in few.items()}
    spread, threshold = float(scores["normal"].std()), model.calibration.threshold
    return {label: own[_clearest(np.abs(scores[label] - threshold), CLEAR * spread)] for label, own in few.items()}


def _clearest(distances: Floats, least: float) -> NDArray[np.intp]:
    """Rows in their order, given how far from the threshold each is."""
    best, *others = np.argsort(-distances, kind="stable")[:GOLDEN_PER_LABEL]
    return np.sort([best, *(row for row in others if distances[row] >= least)])


def export(
    model: FittedModel,
    golden: dict[str, Pixels],
    path: Path,
    fields: dict[str, Any],
    *,
    quantise_on: TrainingSet | None = None,
    normals: Normals | None = None,
    memory: Memory | None = None,
) -> Parity | None:
    """Write the bundle.

    ``golden`` holds (n, h, w, 3) pictures by label, ``fields`` further fields of the manifest. With ``quantise_on`` the
    bundle holds the network in 8 bits too, its ranges read from these normals; returned is how it compares. ``normals``
    are those that a line is to be compared with; ``memory`` may have the trunk's graph,
    and gets it. Raises BundleError, and writes nothing, when ONNX Runtime and torch do
    not agree on the golden pictures, or the network in 8 bits gives one of them another verdict.
    """
    pictures = {f"{label}-{i}.png": (label, own[i]) for label, own in golden.items() for i in range(len(own))}
    pixels = np.stack([each for _, each in pictures.values()])
    threshold = model.calibration.threshold
    records = [
        GoldenPicture(file=file, label=label, score=float(score), outcome=_outcome(float(score), threshold))
        for (file, (label, _)), score in zip(pictures.items(), model.score(pixels), strict=True)
    ]
    height, width = pixels.shape[1:3]
    graph, trunk = to_onnx(model.network, height, width, memory.trunk if memory else b"")
    if memory:
        memory.trunk = trunk
    int8, parity = None, None
    if quantise_on:
        int8 = quantised(graph, quantise_on.normal)
        proof = list(zip(records, pixels, strict=True))
        parity = prove(int8, graph, model, quantise_on, proof)
    write_bundle(
        path,
        {
            "created": utc_now(),
            "created_by": f"line-inspector {__version__} with torch {torch.__version__} on {platform.platform()}",
            "input_size": (height, width),
            "parts": tuple(part.record for part in model.scorer.parts),
            "anomaly_types": model.anomaly_types,
            "calibration": model.calibration,
            "calibrations": (_first(model.calibration, fields.get("training", {})),),
            "gate": model.gate,
            "golden": tuple(records),
            "int8": parity.record if parity else None,
            **fields,
        },
        model=graph,
        scorer=model.scorer,
        namer=model.namer,
        golden={file: each for file, (_, each) in pictures.items()},
        int8=int8,
        normals=normals,
    )
    return parity


def _first(calibration: Calibration, training: dict[str, Any]) -> CalibrationEvent:
    held_out = training.get("held_out_sha256")
    return event(calibration, command="fit", normals_from="held out of the training", pictures_sha256=held_out)


def _outcome(score: float, threshold: float) -> Outcome:
    return Outcome.PASS if score <= threshold else Outcome.FAIL
