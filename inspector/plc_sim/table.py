"""Figures for people."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from inspector.plc_sim.figures import Figures, Latency


def table(figures: Figures, station: str) -> Table:
    """What became of the triggers, in two columns; what must not be is red."""
    shown = Table("", station, box=SIMPLE_HEAD)
    shown.columns[1].justify = "right"
    rows = {
        "triggers": figures.triggers,
        "  sent again": figures.sent_again,
        "  waiting": figures.waiting,
        "accepted": figures.accepted,
        "rejected": figures.rejected,
        **{f"  {why}": figures.decided_by.get(why, 0) for why in ("fail", "error", "late", "silence")},
        "    station or connection away": figures.excused,
        "answers of ERROR": sum(figures.reasons.values()),
        **{f"  {reason}": count for reason, count in sorted(figures.reasons.items())},
        "answered again": figures.answered_again,
        **{f"not for this PLC: {what}": count for what, count in sorted(figures.strays.items())},
    }
    for name, count in rows.items():
        shown.add_row(name, str(count))
    _add_latency(shown, "answer", figures.answer_ms)
    _add_latency(shown, "acknowledge", figures.acknowledge_ms)
    shown.add_section()
    for breach, count in sorted(figures.breaches.items()):
        shown.add_row(f"[red]broken: {breach}", f"[red]{count}")
    if not figures.breaches:
        shown.add_row("[green]broken", "[green]nothing")
    return shown


def _add_latency(shown: Table, name: str, latency: Latency | None) -> None:
    if latency:
        shown.add_row(f"{name}, ms p50 / p99 / max", f"{latency.p50:.1f} / {latency.p99:.1f} / {latency.max:.1f}")
