"""Writing a bundle: beside its final name, proved, and only then renamed, so that a reader sees all of it or none."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from inspector.bundle.judging import Bundle
from inspector.bundle.manifest import GOLDEN, MANIFEST, MODEL, MODEL_INT8, NORMALS, SCORER, TYPES, Manifest
from inspector.bundle.normals import Normals
from inspector.bundle.reading import digest_of, read_bundle
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.fusion import Fusion
from inspector.inspection import Pixels
from inspector.naming import TypeNamer
from inspector.pictures import encode_png


def write_bundle(
    path: Path,
    fields: dict[str, Any],
    *,
    model: bytes,
    scorer: Fusion,
    namer: TypeNamer | None,
    golden: dict[str, Pixels],
    int8: bytes | None = None,
    normals: Normals | None = None,
) -> None:
    """Write a bundle beside ``path``, read it back, replay its golden pictures, and only then rename it.

    ``fields`` are the manifest's but ``files`` and ``normals``; ``golden`` are the golden pictures by file name;
    ``int8`` is the 8-bit network, whose record is then among the fields; ``normals`` are those that a line is to be
    compared with. A bundle that was at ``path`` is replaced as a whole. Raises BundleError, and leaves ``path`` as it
    was, when the new one does not hold.
    """
    arrays = io.BytesIO()
    named = scorer.arrays()
    for prefix, part in ((TYPES, namer), (NORMALS, normals)):
        named |= {f"{prefix}{name}": array for name, array in part.arrays().items()} if part else {}
    np.savez(arrays, allow_pickle=False, **named)
    contents = {MODEL: model, SCORER: arrays.getvalue()} | ({MODEL_INT8: int8} if int8 else {})
    contents |= {f"{GOLDEN}/{name}": encode_png(pixels) for name, pixels in golden.items()}
    fields = fields | {
        "normals": normals.record if normals else None,
        "files": {name: digest_of(data) for name, data in contents.items()},
    }
    manifest = Manifest(**fields)
    draft, old = _beside(path, "draft"), _beside(path, "old")
    try:
        _write_proved(draft, manifest, contents)
        if path.exists():
            path.rename(old)
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def change_manifest(bundle: Bundle, path: Path, **fields: Any) -> None:
    """Write the bundle to ``path`` with other fields of its manifest, all other files as they are.

    Where ``path`` is the bundle's own, only ``bundle.json`` is replaced, at once: a reader sees the old or the new.
    Else ``path`` must not be there yet. Raises BundleError, and changes nothing, when a golden picture does not hold
    any more, or ``path`` is taken.
    """
    path = path.resolve()
    in_place = path == bundle.path.resolve()
    if path.exists() and not in_place:
        raise BundleError(f"{path}: is there already; remove it or name another folder for the new bundle")
    manifest = bundle.manifest.model_copy(update=fields)
    draft = _beside(path, "draft")
    try:
        _write_proved(draft, manifest, {name: (bundle.path / name).read_bytes() for name in manifest.files})
        if in_place:
            (draft / MANIFEST).replace(path / MANIFEST)
        else:
            draft.rename(path)
    except OSError as error:
        raise BundleError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{suffix}")


def _write_proved(draft: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    """Write it, read it back and replay its golden pictures, by both networks where there are two."""
    _write_files(draft, contents | {MANIFEST: (manifest.model_dump_json(indent=2) + "\n").encode()})
    read_bundle(draft).check_golden()
    if MODEL_INT8 in contents:
        read_bundle(draft, Engine(precision="int8")).check_golden()


def _write_files(folder: Path, contents: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
