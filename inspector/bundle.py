"""The folder that training writes and the daemon reads; nothing in it is executed or unpickled.

``bundle.json`` names every other file with its SHA-256, so the digest of that one file identifies the whole bundle.
A bundle is written beside its final name and renamed: a reader sees all of it or none.
"""

import hashlib
import io
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError

from inspector.embedder import OnnxEmbedder
from inspector.errors import BundleError
from inspector.fusion import Fusion, PartRecord
from inspector.inspection import Features, Floats, Outcome, Pixels
from inspector.naming import UNKNOWN, TypeNamer
from inspector.pictures import encode_png, read_picture, resize
from inspector.settings import Settings

FORMAT_VERSION: Final = 1
MANIFEST: Final = "bundle.json"
MODEL: Final = "model.onnx"
SCORER: Final = "scorer.npz"
GOLDEN: Final = "golden"
TYPES: Final = "types."
"""Begins the names of the arrays that tell the anomaly types apart."""


def score_tolerance(score: float) -> float:
    """How far two machines, or torch and ONNX Runtime, may differ in this score: 1e-3 of it, at least 1e-3."""
    return 1e-3 * max(abs(score), 1.0)


class Calibration(Settings):
    """Where the threshold comes from."""

    threshold: float
    """A score above this is FAIL."""
    false_reject_rate: float
    """Share of good parts that may be rejected, as configured."""
    observed_false_rejects: int
    """Held-out normals above the threshold."""
    normals: int
    """Held-out normals that the threshold was read from."""
    critical: dict[str, int] = Field(default_factory=dict)
    """Pictures of each critical type that lowered the threshold or could have: each was left out and scored."""
    critical_missed: int = 0
    """Of these, how many stay below the threshold all the same, since more good parts would have been rejected than
    ``critical_false_reject_rate`` allows."""


class GateRecord(Settings):
    """Why the anomalies count in this bundle, or do not: normals only against with anomalies, on left-out pictures."""

    ships: Literal["normals only", "with anomalies"]
    reason: str
    gain: float = 0.0
    """How much the evidence for known anomalies counts; 0 where the bundle ships normals only."""
    pictures: int = 0
    """Anomaly pictures that were left out and scored."""
    known: tuple[float, float] | None = None
    """AUROC of types that the fit knew, normals only and with anomalies."""
    known_gain: tuple[float, float] | None = None
    """How much clearer of the normals they come, from 0 to 1 a picture: mean, and its standard error."""
    unknown: tuple[float, float] | None = None
    """AUROC of types that the fit did not know, likewise; of made-up defects where there is only one type."""
    unknown_gain: tuple[float, float] | None = None
    """Mean change of that, and its standard error."""


class GoldenPicture(Settings):
    """A picture that travels with the bundle, and what training's own code said of it."""

    file: str
    label: str
    score: float
    outcome: Outcome


class AnomalyType(Settings):
    """A kind of defect that training saw."""

    name: str
    weight: float
    critical: bool
    pictures: int


class Manifest(Settings):
    """``bundle.json``."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    """Name of the product that the model judges."""
    created: AwareDatetime
    created_by: str
    """Program and version that wrote the bundle."""
    input_size: tuple[int, int]
    """Height and width in pixels of the graph's input."""
    parts: tuple[PartRecord, ...] = Field(min_length=1)
    """The scorers that the score is made of."""
    anomaly_types: tuple[AnomalyType, ...] = ()
    calibration: Calibration
    gate: GateRecord | None = None
    """None where training had no anomalies."""
    golden: tuple[GoldenPicture, ...] = Field(min_length=1)
    training: dict[str, Any] = Field(default_factory=dict)
    """The record of the training: its settings, the counts of pictures and their digest."""
    files: dict[str, str]
    """SHA-256 of every file of the bundle but this one, by its path in the bundle."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a bundle says of one picture."""

    outcome: Outcome
    score: float | None
    """None where it is not a number."""
    nearest_type: str | None = None
    """The known anomaly type that a FAIL looks like, ``unknown`` if it looks like none, None where none is known."""
    type_confidence: float | None = None
    """How probable that is, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every checksum matched, loaded. ``digest`` is the SHA-256 of its manifest."""

    path: Path
    digest: str
    manifest: Manifest
    embedder: OnnxEmbedder
    scorer: Fusion
    namer: TypeNamer | None
    """Tells the anomaly types apart, in the manifest's order; None where training had none."""

    @property
    def threshold(self) -> float:
        """A score above this is FAIL."""
        return self.manifest.calibration.threshold

    def prepare(self, pixels: Pixels) -> Pixels:
        """The picture at the model's input size."""
        return resize(pixels, *self.manifest.input_size)

    def judge(self, features: Features) -> list[Judgement]:
        """The verdict on each of n pictures. A score that is not a number is never a PASS: it is ERROR."""
        return [self._verdict(float(score), features, i) for i, score in enumerate(self.scorer.score(features))]

    def _verdict(self, score: float, features: Features, i: int) -> Judgement:
        if not np.isfinite(score):
            return Judgement(Outcome.ERROR, None)
        if score <= self.threshold:
            return Judgement(Outcome.PASS, score)
        if self.namer is None or features.pooled is None:
            return Judgement(Outcome.FAIL, score)
        (likely,) = self.namer.probabilities(self.namer.similarities(features.pooled[i : i + 1]))
        names = [*(each.name for each in self.manifest.anomaly_types), UNKNOWN]
        best = int(likely.argmax())
        return Judgement(Outcome.FAIL, score, names[best], float(likely[best]))

    def heat_map(self, features: Features) -> Floats | None:
        """(n, rows, columns): how abnormal each place is, in spreads of normal places; None without a memory bank."""
        return self.scorer.heat_map(features)

    def check_golden(self) -> None:
        """Judge the golden pictures again. Raises BundleError when a verdict or a score is not what training saw."""
        for golden in self.manifest.golden:
            pixels = self.prepare(read_picture(self.path / GOLDEN / golden.file))
            (said,) = self.judge(self.embedder.embed(pixels[None]))
            if said.outcome is golden.outcome and _agree(said.score, golden.score):
                continue
            raise BundleError(
                f"{self.path}: golden picture {golden.file} scores {said.score} ({said.outcome}) here, "
                f"{golden.score} ({golden.outcome}) where it was trained; do not use this bundle on this machine"
            )


def _agree(score: float | None, expected: float) -> bool:
    return score is not None and abs(score - expected) <= score_tolerance(expected)


def read_bundle(path: Path, threads: int = 0) -> Bundle:
    """The bundle in the folder ``path``. Raises BundleError unless every file is there and every checksum matches."""
    manifest_bytes = _read(path / MANIFEST)
    manifest = _parse_manifest(path, manifest_bytes)
    needed = {MODEL, SCORER, *(f"{GOLDEN}/{golden.file}" for golden in manifest.golden)}
    if needed - manifest.files.keys():
        raise BundleError(f"{path / MANIFEST}: names no {sorted(needed - manifest.files.keys())}; export it again")
    contents = {name: _checked(path, name, digest) for name, digest in manifest.files.items()}
    arrays = _parse_arrays(path, contents[SCORER])
    namer = _namer(path, manifest, arrays)
    bundle = Bundle(
        path=path,
        digest=_digest(manifest_bytes),
        manifest=manifest,
        embedder=OnnxEmbedder(path / MODEL, threads),
        scorer=_fusion(path, manifest, arrays),
        namer=namer,
    )
    if bundle.embedder.input_size != manifest.input_size:
        raise BundleError(f"{path}: the model's input is {bundle.embedder.input_size}, not {manifest.input_size}")
    return bundle


def write_bundle(
    path: Path,
    fields: dict[str, Any],
    *,
    model: bytes,
    scorer: Fusion,
    namer: TypeNamer | None,
    golden: dict[str, Pixels],
) -> None:
    """Write a bundle beside ``path``, read it back, replay its golden pictures, and only then rename it.

    ``fields`` are the manifest's but ``files``; ``golden`` are the golden pictures by file name. A bundle that was at
    ``path`` is replaced as a whole. Raises BundleError, and leaves ``path`` as it was, when the new one does not hold.
    """
    arrays = io.BytesIO()
    types = {f"{TYPES}{name}": array for name, array in namer.arrays().items()} if namer else {}
    np.savez(arrays, allow_pickle=False, **scorer.arrays(), **types)
    contents = {MODEL: model, SCORER: arrays.getvalue()}
    contents |= {f"{GOLDEN}/{name}": encode_png(pixels) for name, pixels in golden.items()}
    manifest = Manifest(**fields, files={name: _digest(data) for name, data in contents.items()})
    contents[MANIFEST] = (manifest.model_dump_json(indent=2) + "\n").encode()

    draft, old = (path.with_name(f".{path.name}.{suffix}") for suffix in ("draft", "old"))
    try:
        _write_files(draft, contents)
        read_bundle(draft).check_golden()
        if path.exists():
            path.rename(old)
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _write_files(folder: Path, contents: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _fusion(path: Path, manifest: Manifest, arrays: dict[str, Any]) -> Fusion:
    try:
        return Fusion.from_arrays(manifest.parts, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path / SCORER}: does not hold the distances that {MANIFEST} names: {error!r}") from error


def _namer(path: Path, manifest: Manifest, arrays: dict[str, Any]) -> TypeNamer | None:
    own = {name.removeprefix(TYPES): arrays.pop(name) for name in list(arrays) if name.startswith(TYPES)}
    try:
        namer = TypeNamer.from_arrays(own) if own else None
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path / SCORER}: does not tell the anomaly types apart: {error!r}") from error
    known = len(namer.directions) if namer else 0
    if known != len(manifest.anomaly_types):
        raise BundleError(
            f"{path / SCORER}: tells {known} anomaly types apart, {MANIFEST} names "
            f"{len(manifest.anomaly_types)}; export the bundle again"
        )
    return namer


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}; this is no whole bundle, export it again") from error


def _checked(path: Path, name: str, digest: str) -> bytes:
    if not (path / name).resolve().is_relative_to(path.resolve()):
        raise BundleError(f"{path / MANIFEST}: names a file outside the bundle: {name}")
    data = _read(path / name)
    if _digest(data) != digest:
        raise BundleError(f"{path / name}: checksum does not match {MANIFEST}; copy or export the bundle again")
    return data


def _parse_manifest(path: Path, data: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BundleError(f"{path / MANIFEST}: {where}: {first['msg']}") from error


def _parse_arrays(path: Path, data: bytes) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path / SCORER}: {error}") from error
