"""What people said of parts on the operator's page, as a training takes it."""

from pathlib import Path
from typing import Any, Final

from pydantic import Field

from inspector.errors import ConfigError
from inspector.settings import Settings, read_settings
from training.config import AnomalyTypeSettings, TrainingConfig

SETTINGS: Final = "anomalies.yaml"
"""Beside the class folders, as ``inspector labels export`` writes it."""


class _Said(Settings):
    weight: float = 1.0
    critical: bool = False


class _Data(Settings):
    anomalies: dict[str, _Said] = Field(default_factory=dict)


class _File(Settings):
    data: _Data = _Data()


def with_labels(config: TrainingConfig, folder: Path | None, output: Path | None = None) -> TrainingConfig:
    """The configuration with the labels of this folder, or of the one that it names itself, and this output.

    Where that folder is the root too, all that was labelled is the set, and normals are held out as in any set. Weights
    as people gave them on the page are the later word; what an escape costs stays the configuration's. Raises
    ConfigError for a folder that is not there, or whose ``anomalies.yaml`` is no such file.
    """
    labelled = folder or config.data.labelled
    changes: dict[str, Any] = {"output": output} if output else {}
    if labelled:
        if not labelled.is_dir():
            raise ConfigError(f"{labelled}: no folder of labelled parts; `inspector labels export` writes one")
        is_root = labelled.resolve() == config.data.root.resolve()
        anomalies = _merged(config.data.anomalies, labelled / SETTINGS)
        data = {"labelled": None if is_root else labelled, "anomalies": anomalies}
        changes["data"] = config.data.model_copy(update=data)
    return config.model_copy(update=changes)


def _merged(known: dict[str, AnomalyTypeSettings], file: Path) -> dict[str, AnomalyTypeSettings]:
    said = read_settings(file, _File).data.anomalies if file.exists() else {}
    return known | {
        name: AnomalyTypeSettings.model_validate(
            known.get(name, AnomalyTypeSettings()).model_dump() | each.model_dump()
        )
        for name, each in said.items()
    }
