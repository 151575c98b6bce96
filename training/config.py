"""The one schema of ``configs/training/*.yaml``."""

from typing import Any, Final

from pydantic import Field, PositiveFloat, PositiveInt

from inspector.fusion import ONSET, PEERS, PartSettings
from inspector.scorers.discriminant import DiscriminantSettings
from inspector.scorers.known import KnownSettings
from inspector.scorers.known_patches import KnownPatchesSettings
from inspector.scorers.mahalanobis import MahalanobisSettings
from inspector.scorers.patches import PatchesSettings
from inspector.settings import ConfigPath, Settings
from training.augment import AugmentSettings
from training.losses import LossSettings
from training.module import OptimiserSettings
from training.network import NetworkSettings
from training.promise import CONFIDENCE, Terms

DEFAULT_PARTS: Final = (
    PartSettings(of="pooled", distance=MahalanobisSettings()),
    PartSettings(of="embedding", distance=MahalanobisSettings()),
    PartSettings(distance=PatchesSettings()),
    PartSettings(of="pooled", distance=DiscriminantSettings()),
    PartSettings(distance=KnownPatchesSettings()),
    PartSettings(distance=KnownSettings()),
)
"""Distances from normal: in what the backbone sees in the whole picture, in what metric learning made of it, and of
each place of the picture. Then evidence for known anomalies, in each of the three."""


class AnomalyTypeSettings(Settings):
    """How much one named kind of defect matters."""

    weight: PositiveFloat = 1.0
    """How much this type counts against one of weight 1: how often its pictures are drawn in metric learning, and its
    share in what is learned of all types together."""
    critical: bool = False
    """A type that must never escape, such as a metal fragment: the threshold comes down below its left-out pictures, as
    far as ``critical_false_reject_rate`` allows."""


class DataSettings(Settings):
    """Where the pictures are: ``normal/`` and one folder for each anomaly type, side by side below ``root``."""

    root: ConfigPath
    """Folder of the set. Relative paths are taken from the folder of the configuration file."""
    normal: str = "normal"
    """Name of the folder with normal pictures."""
    anomalies: dict[str, AnomalyTypeSettings] = Field(default_factory=dict)
    """Settings by anomaly type; a type folder that is not named here has weight 1 and is not critical."""
    auxiliary: ConfigPath | None = None
    """Folder of labelled classes of other things, one folder a class, that give metric learning more to push apart."""
    group_pattern: str | None = None
    """Regular expression searched in each file name; its first group names the part, and pictures of one part stay on
    one side of the split. Without it every picture is a part of its own."""
    holdout: float = Field(default=0.25, gt=0, lt=1)
    """Share of the normal pictures that training never sees and that calibrate the threshold."""


class TrainingConfig(Settings):
    """A configuration file of training."""

    name: str = Field(min_length=1)
    """Name of the product, carried in the bundle."""
    output: ConfigPath
    """Folder for the bundle, checkpoints and logs of this training."""
    seed: int = Field(default=0, ge=0)
    """The same seed gives the same model on the same machine."""
    data: DataSettings
    network: NetworkSettings = NetworkSettings()
    augment: AugmentSettings = AugmentSettings()
    views: PositiveInt = 2
    """With a frozen backbone: how often each picture is augmented before the head is trained on all its versions."""
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    batch_size: PositiveInt = 64
    """Pictures in one step of metric learning."""
    trainer: dict[str, Any] = Field(default_factory=lambda: {"max_epochs": 15})
    """Handed to Lightning's ``Trainer`` as it is: epochs, devices, precision, strategy, number of nodes."""
    scorers: tuple[PartSettings, ...] = Field(default=DEFAULT_PARTS, min_length=1)
    """What the score is made of: distances from normal, and evidence for known anomalies, which counts only if it helps
    on left-out pictures."""
    peers: float = Field(default=PEERS, gt=0, le=1)
    """Share of the normals, those that look most like a picture, that its distances are compared with; 1 compares with
    all alike. Few peers pay where normal parts come in kinds that differ in how much they vary, and cost where a defect
    looks like an odd normal part: compare both by ``evaluate``."""
    onset: float = Field(default=ONSET, ge=0)
    """How many spreads of the normals evidence for known anomalies must exceed before it counts. At 3 it hardly ever
    speaks of a normal picture, and takes next to nothing from defects that nobody has seen yet. Lower it, down to 0,
    where all defects that matter are known: it then finds more of them, and less of what is new."""
    false_reject_rate: float = Field(default=0.01, gt=0, lt=0.5)
    """Share of good parts that may be rejected; the threshold is read from the held-out normals at this rate."""
    max_false_reject: float | None = Field(default=None, gt=0, lt=0.5)
    """Promise that at most this share of good parts is rejected, with ``confidence`` in this one calibration, where
    ``false_reject_rate`` holds on average over many. Takes the place of it. 0.005 at 95 % takes 598 held-out normals,
    or groups of them where ``data.group_pattern`` tells groups; too few are refused before anything is trained."""
    confidence: float = Field(default=CONFIDENCE, gt=0.5, lt=1)
    """How sure the promise of ``max_false_reject`` is: the share of such calibrations that keep it, at least."""
    critical_false_reject_rate: float = Field(default=0.05, gt=0, lt=0.5)
    """Share of good parts that may be rejected so that no critical anomaly escapes."""
    int8: bool = False
    """Put the network into the bundle in 8-bit integers too. Where a daemon then asks for ``precision: int8`` or
    ``auto``, it runs about twice as quickly and judges nearly the same. No bundle is written where a golden picture
    would get another verdict."""

    @property
    def terms(self) -> Terms | None:
        """Of the promise; None where none is asked for."""
        return None if self.max_false_reject is None else Terms(self.max_false_reject, self.confidence)
