"""Comparing what a station sees with the held-out normals of its bundle; DRIFT.md beside this file says how.

Nothing here has a say in a verdict.
"""

from inspector.drift.settings import DriftSettings
from inspector.drift.witness import Drift

__all__ = ["Drift", "DriftSettings"]
