"""Reading a bundle: all of it, unchanged, or not at all."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from inspector.bundle.judging import Bundle
from inspector.bundle.manifest import GOLDEN, MANIFEST, MODEL, MODEL_INT8, NORMALS, SCORER, TYPES, Manifest
from inspector.bundle.normals import Normals
from inspector.engines import DEFAULT, Engine
from inspector.errors import BundleError
from inspector.fusion import Fusion
from inspector.naming import TypeNamer


def read_manifest(path: Path) -> tuple[Manifest, str]:
    """The manifest of the bundle in the folder ``path``, and its digest. Says nothing of the other files."""
    data = _read(path / MANIFEST)
    return _parse_manifest(path, data), digest_of(data)


def read_bundle(path: Path, engine: Engine = DEFAULT) -> Bundle:
    """The bundle in the folder ``path``, its network run by ``engine``.

    Raises BundleError unless every file is there and every checksum matches, ConfigError where the engine is missing.
    """
    manifest, digest = read_manifest(path)
    if engine.precision == "int8" and manifest.int8 is None:
        raise BundleError(f"{path}: holds no 8-bit network; export it with one, or set precision: float32")
    needed = {MODEL, SCORER, *(f"{GOLDEN}/{golden.file}" for golden in manifest.golden)}
    needed |= {MODEL_INT8} if manifest.int8 else set()
    if needed - manifest.files.keys():
        raise BundleError(f"{path / MANIFEST}: names no {sorted(needed - manifest.files.keys())}; export it again")
    contents = {name: _checked(path, name, digest) for name, digest in manifest.files.items()}
    arrays = _parse_arrays(path, contents[SCORER])
    namer = _namer(path, manifest, arrays)
    normals = _normals(path, manifest, arrays)
    bundle = Bundle(
        path=path,
        digest=digest,
        manifest=manifest,
        embedder=engine.open(path / (MODEL_INT8 if engine.precision == "int8" else MODEL)),
        scorer=_fusion(path, manifest, arrays),
        namer=namer,
        engine=engine,
        normals=normals,
    )
    if bundle.embedder.input_size != manifest.input_size:
        raise BundleError(f"{path}: the model's input is {bundle.embedder.input_size}, not {manifest.input_size}")
    return bundle


def digest_of(data: bytes) -> str:
    """SHA-256, as the manifest writes it."""
    return hashlib.sha256(data).hexdigest()


def _fusion(path: Path, manifest: Manifest, arrays: dict[str, Any]) -> Fusion:
    try:
        return Fusion.from_arrays(manifest.parts, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path / SCORER}: does not hold the distances that {MANIFEST} names: {error!r}") from error


def _namer(path: Path, manifest: Manifest, arrays: dict[str, Any]) -> TypeNamer | None:
    own = _taken(arrays, TYPES)
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


def _normals(path: Path, manifest: Manifest, arrays: dict[str, Any]) -> Normals | None:
    own = _taken(arrays, NORMALS)
    if manifest.normals is None:
        return None
    try:
        return Normals.from_arrays(manifest.normals, own)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path / SCORER}: does not hold the normals that {MANIFEST} names: {error!r}") from error


def _taken(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose names begin so, by the rest of their names, taken out of the others."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}; this is no whole bundle, export it again") from error


def _checked(path: Path, name: str, digest: str) -> bytes:
    if not (path / name).resolve().is_relative_to(path.resolve()):
        raise BundleError(f"{path / MANIFEST}: names a file outside the bundle: {name}")
    data = _read(path / name)
    if digest_of(data) != digest:
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
