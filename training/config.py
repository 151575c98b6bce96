"""The one schema of ``configs/training/*.yaml``."""

from collections.abc import Sequence
from typing import Any, Final, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from inspector.bundle import EscapeCost
from inspector.fusion import ONSET, PEERS, PartSettings
from inspector.scorers.discriminant import DiscriminantSettings
from inspector.scorers.known import KnownSettings
from inspector.scorers.known_patches import KnownPatchesSettings
from inspector.scorers.mahalanobis import MahalanobisSettings
from inspector.scorers.patches import PatchesSettings
from inspector.settings import ConfigPath, Settings
from training.augment import AugmentSettings
from training.costs import Costs
from training.losses import LossSettings
from training.module import OptimiserSettings
from training.network import NetworkSettings
from training.promise import CONFIDENCE, Promised, Terms

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
    escape_cost: PositiveFloat | None = None
    """What one such defect costs that escapes, in the currency of ``false_reject_cost``."""
    per_million: float = Field(default=1000, gt=0, lt=1e6)
    """How many of a million parts have such a defect; only ``escape_cost`` asks for it."""


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
    labelled: ConfigPath | None = None
    """Folder that ``inspector labels export`` writes: what people said of parts of the line joins the classes of the
    same names, and its ``anomalies.yaml`` has the last word on weights. Its normals were rejected, and are no sample of
    what a line makes: they train, and calibrate nothing."""
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
    max_review: float | None = Field(default=None, gt=0, lt=0.5)
    """Promise that at most this share of good parts is rejected at all, so that ``max_false_reject`` bounds those that
    are rejected beyond doubt. The others say ``review: true``, for a person to look at. Larger than that."""
    tail_model: bool = False
    """Where there are too few held-out normals for ``max_false_reject``, let a model of the highest scores (generalised
    Pareto) go beyond what they prove, and record it as a model. Takes 60 of them; one that does not fit is refused."""
    false_reject_cost: PositiveFloat | None = None
    """What a good part costs that is rejected. With ``escape_cost`` of at least one type the threshold is that of least
    expected cost, which neither lets critical pictures pass nor breaks ``max_false_reject``. Takes the place of
    ``false_reject_rate``."""
    critical_false_reject_rate: float = Field(default=0.05, gt=0, lt=0.5)
    """Share of good parts that may be rejected so that no critical anomaly escapes."""
    int8: bool = False
    """Put the network into the bundle in 8-bit integers too. Where a daemon then asks for ``precision: int8`` or
    ``auto``, it runs about twice as quickly and judges nearly the same. No bundle is written where a golden picture
    would get another verdict."""

    @model_validator(mode="after")
    def _calibration_is_whole(self) -> Self:
        priced = [name for name, each in self.data.anomalies.items() if each.escape_cost is not None]
        if (self.false_reject_cost is None) != (not priced):
            raise ValueError("false_reject_cost and the escape_cost of at least one type go together: give both")
        if self.max_false_reject is None and (self.max_review is not None or self.tail_model):
            raise ValueError("max_review and tail_model go with max_false_reject: give it too")
        if self.max_review is not None and self.max_review <= (self.max_false_reject or 0):
            raise ValueError("max_review counts all rejects, max_false_reject those beyond doubt: make it the larger")
        return self

    def promised(self, groups: Sequence[int] | None) -> Promised | None:
        """The promise, given the number of the group of each held-out normal; None where none is asked for."""
        if self.max_false_reject is None:
            return None
        review = None if self.max_review is None else Terms(self.max_review, self.confidence)
        terms = Terms(self.max_false_reject, self.confidence)
        return Promised(terms, groups, self.data.group_pattern, review, self.tail_model)

    @property
    def costs(self) -> Costs | None:
        """What rejects and escapes cost; None where they have no say."""
        if self.false_reject_cost is None:
            return None
        escape = {
            name: EscapeCost(cost=each.escape_cost, per_million=each.per_million)
            for name, each in self.data.anomalies.items()
            if each.escape_cost is not None
        }
        return Costs(self.false_reject_cost, escape)
