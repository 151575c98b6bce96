"""The folder that training writes and the daemon reads; nothing in it is executed or unpickled.

``bundle.json`` names every other file with its SHA-256, so the digest of that one file identifies the whole bundle.
"""

from inspector.bundle.by_hand import CONFIDENCE, Prospect, prospects, set_by_hand, whoever
from inspector.bundle.held import critical_limit, critical_missed, golden_at
from inspector.bundle.judging import Bundle, Judgement
from inspector.bundle.manifest import (
    GOLDEN,
    MANIFEST,
    MODEL,
    MODEL_INT8,
    SCORER,
    AnomalyType,
    Calibration,
    CalibrationEvent,
    CostRecord,
    EscapeCost,
    GateRecord,
    GoldenPicture,
    Int8Record,
    Manifest,
    Promise,
    ReviewBand,
    TailRecord,
    score_tolerance,
)
from inspector.bundle.normals import Normals, NormalsRecord, compared
from inspector.bundle.reading import read_bundle, read_manifest
from inspector.bundle.writing import change_manifest, write_bundle

__all__ = [
    "CONFIDENCE",
    "GOLDEN",
    "MANIFEST",
    "MODEL",
    "MODEL_INT8",
    "SCORER",
    "AnomalyType",
    "Bundle",
    "Calibration",
    "CalibrationEvent",
    "CostRecord",
    "EscapeCost",
    "GateRecord",
    "GoldenPicture",
    "Int8Record",
    "Judgement",
    "Manifest",
    "Normals",
    "NormalsRecord",
    "Promise",
    "Prospect",
    "ReviewBand",
    "TailRecord",
    "change_manifest",
    "compared",
    "critical_limit",
    "critical_missed",
    "golden_at",
    "prospects",
    "read_bundle",
    "read_manifest",
    "score_tolerance",
    "set_by_hand",
    "whoever",
    "write_bundle",
]
