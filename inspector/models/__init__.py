"""Which model judges at a station, and how another takes its place while the line runs.

``inspector deploy`` copies a bundle into the store, under its digest. The station loads it beside the one that judges,
proves it, compares it with that one on parts that pass by (the shadow), lets it judge from one part to the next, and
watches what it says first (the probation). At each step the old one is still there.
"""

from inspector.models.rollout import Rollout
from inspector.models.settings import ModelSettings
from inspector.models.store import Store
from inspector.models.story import Story

__all__ = ["ModelSettings", "Rollout", "Store", "Story"]
