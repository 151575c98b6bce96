"""A fitted model as a bundle: one ONNX graph that takes camera pixels, proved to say what training's code says."""

import logging
import platform
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from inspector import __version__
from inspector.bundle import MODEL, GoldenPicture, write_bundle
from inspector.embedder import EMBEDDING, INPUT, PATCHES, POOLED
from inspector.errors import BundleError
from inspector.inspection import Outcome, Pixels, utc_now
from training.fit import FittedModel
from training.network import Network
from training.seen import TrainingSet

OPSET: Final = 18
GOLDEN_PER_LABEL: Final = 3
"""Pictures of the held-out normals and of each anomaly type that travel with the bundle."""


class Deployed(nn.Module):
    """The network as the daemon meets it: from uint8 pictures to features."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, h, w, 3) uint8 RGB to the three parts of ``inspector.inspection.Features``."""
        return self.network.see(pictures.permute(0, 3, 1, 2).float())


def to_onnx(network: Network, height: int, width: int) -> bytes:
    """The network as one ONNX file, for any number of pictures of one size."""
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own future are nothing to the user
        program = torch.onnx.export(
            Deployed(network).eval(),
            (example,),
            input_names=[INPUT],
            output_names=[EMBEDDING, POOLED, PATCHES],
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
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

    Pictures so near to the threshold that rounding decides on them would prove nothing; the clearest cases are taken.
    """
    labelled = {"normal": data.held_out, **data.anomalies}
    return {label: _clearest(model, own[: 4 * GOLDEN_PER_LABEL]) for label, own in labelled.items()}


def _clearest(model: FittedModel, pictures: Pixels) -> Pixels:
    by_clearness = np.argsort(-np.abs(model.score(pictures) - model.calibration.threshold))
    clearest: Pixels = pictures[np.sort(by_clearness[:GOLDEN_PER_LABEL])]
    return clearest


def export(model: FittedModel, golden: dict[str, Pixels], path: Path, fields: dict[str, Any]) -> None:
    """Write the bundle.

    ``golden`` holds (n, h, w, 3) pictures by label, ``fields`` further fields of the manifest. Raises BundleError, and
    writes nothing, when ONNX Runtime and torch do not agree on the golden pictures.
    """
    pictures = {f"{label}-{i}.png": (label, own[i]) for label, own in golden.items() for i in range(len(own))}
    scores = model.score(np.stack([pixels for _, pixels in pictures.values()]))
    threshold = model.calibration.threshold
    records = [
        GoldenPicture(file=file, label=label, score=float(score), outcome=_outcome(float(score), threshold))
        for (file, (label, _)), score in zip(pictures.items(), scores, strict=True)
    ]
    height, width = next(iter(pictures.values()))[1].shape[:2]
    write_bundle(
        path,
        {
            "created": utc_now(),
            "created_by": f"line-inspector {__version__} with torch {torch.__version__} on {platform.platform()}",
            "input_size": (height, width),
            "parts": tuple(part.record for part in model.scorer.parts),
            "anomaly_types": model.anomaly_types,
            "calibration": model.calibration,
            "gate": model.gate,
            "golden": tuple(records),
            **fields,
        },
        model=to_onnx(model.network, height, width),
        scorer=model.scorer,
        namer=model.namer,
        golden={file: pixels for file, (_, pixels) in pictures.items()},
    )


def _outcome(score: float, threshold: float) -> Outcome:
    return Outcome.PASS if score <= threshold else Outcome.FAIL
