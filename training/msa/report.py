"""A study in tables for people, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from training.msa.kappa import Kappa
from training.msa.limits import Grade, Verdict
from training.msa.shares import Share
from training.msa.study import Appraisal, Study

COLOURS: Final = {Grade.ACCEPTABLE: "green", Grade.MARGINAL: "yellow", Grade.UNACCEPTABLE: "red"}

SHARES: Final = ("effectiveness", "right", "miss_rate", "false_alarm_rate", "repeatability")

Verdicts = Mapping[str, Sequence[Verdict]]
"""By appraiser."""


def worst(verdicts: Sequence[Verdict]) -> Grade:
    """What an appraiser is called who is measured by all criteria."""
    return max((verdict.grade for verdict in verdicts), key=list(Grade).index)


def as_json(study: Study, verdicts: Verdicts) -> dict[str, Any]:
    """All figures; of each share, low and high are two-sided, at_least and at_most one-sided bounds."""
    return {
        "confidence": study.confidence,
        "parts": {"good": study.good, "defective": study.defective},
        "appraisers": {
            own.appraiser: {
                "grade": worst(verdicts[own.appraiser]),
                "verdicts": {each.criterion: _fields(each) for each in verdicts[own.appraiser]},
                "undecided": own.undecided,
                **{name: _share_as_json(getattr(own, name)) for name in SHARES},
                "kappa": _fields(own.kappa),
                "miss_rates": {kind: _share_as_json(share) for kind, share in own.miss_rates.items()},
            }
            for own in study.appraisals
        },
        "between": [{"appraisers": list(pair), **_fields(kappa)} for pair, kappa in study.between.items()],
        "overall": _fields(study.overall) if study.overall else None,
    }


def _fields(record: Kappa | Verdict | Share) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _share_as_json(share: Share | None) -> dict[str, Any] | None:
    return {**_fields(share), "estimate": float(share.estimate)} if share else None


def in_tables(study: Study, verdicts: Verdicts) -> Iterator[RenderableType]:
    """What a person reads, in Rich's markup."""
    yield _reference(study)
    if study.between:
        yield _agreement(study)
    kappas = [*(own.kappa for own in study.appraisals), *study.between.values(), study.overall]
    yield from sorted({kappa.note for kappa in kappas if kappa and kappa.note})
    for own in study.appraisals:
        yield _decided(own, verdicts[own.appraiser])


def _reference(study: Study) -> Table:
    table = Table("", *(escape(own.appraiser) for own in study.appraisals), title="agreement with the reference")
    for name in SHARES:
        table.add_row(_words(name), *(_share(getattr(own, name)) for own in study.appraisals))
    for kind in study.appraisals[0].miss_rates:
        table.add_row(f"missed: {escape(kind)}", *(_share(own.miss_rates.get(kind)) for own in study.appraisals))
    table.add_row("kappa", *(_kappa(own.kappa) for own in study.appraisals))
    table.add_row("undecided (rejects)", *(str(own.undecided) for own in study.appraisals))
    table.caption = (
        f"{study.good} good and {study.defective} defective parts; below each share its bounds, "
        f"two-sided, at {100 * study.confidence:.4g} %"
    )
    return table


def _agreement(study: Study) -> Table:
    table = Table("between", "kappa", "presentations", title="agreement with each other")
    for (one, two), kappa in study.between.items():
        table.add_row(f"{escape(one)} and {escape(two)}", _kappa(kappa), str(kappa.presentations))
    if study.overall:
        table.add_row("all (Fleiss)", _kappa(study.overall), str(study.overall.presentations))
    return table


def _decided(appraisal: Appraisal, verdicts: Sequence[Verdict]) -> Table:
    grade = worst(verdicts)
    proven = sum(each.proven for each in verdicts)
    title = f"{escape(appraisal.appraiser)}: [bold {COLOURS[grade]}]{grade}[/], {proven} of {len(verdicts)} proven"
    table = Table("criterion", "verdict", "parts judged wrong", "proven", title=title)
    for each in verdicts:
        proof = "yes" if each.proven else "no"
        if not (each.proven and each.grade is Grade.ACCEPTABLE):
            proof += f"; {each.parts_to_prove} parts prove acceptable, with {each.wrong_parts} of them judged wrong"
        told = f"{each.wrong_parts} of {each.parts}"
        table.add_row(_words(each.criterion), f"[{COLOURS[each.grade]}]{each.grade}[/]", told, proof)
    return table


def _share(share: Share | None) -> str:
    if share is None:
        return "no part tells"
    return f"{_percent(float(share.estimate))} of {share.parts}\n{100 * share.low:.1f} to {_percent(share.high)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _kappa(kappa: Kappa) -> str:
    """The reason why something is missing stands below the tables."""
    said = [] if kappa.value is None else [f"{kappa.value:.3f}"]
    if kappa.low is not None and kappa.high is not None:
        said.append(f"({kappa.low:.3f} to {kappa.high:.3f})")
    missing, _, _ = kappa.note.partition(":")
    return " ".join([*said, missing]).strip()


def _words(name: str) -> str:
    return {"right": "right decisions", "false_alarm_rate": "false-alarm rate"}.get(name, name.replace("_", " "))
