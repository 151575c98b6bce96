"""What a frame has to be before it is judged: now, not seen before, and such as the model was trained on."""

from inspector.checks.freshness import FreshCamera, Freshness
from inspector.checks.picture import PictureCheck
from inspector.checks.settings import CheckSettings

__all__ = ["CheckSettings", "FreshCamera", "Freshness", "PictureCheck"]
