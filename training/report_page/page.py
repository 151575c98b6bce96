"""The page: one HTML file with everything in it, without scripts and without anything to fetch."""

from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from inspector import __version__
from training.promise import percent_up
from training.report_page import charts
from training.report_page.facts import Facts
from training.report_page.pictures import worst_misses, worst_rejects
from training.report_page.words import above, percent, percent_down, verdict

LOW_END: Final = 0.05
"""Share of good parts rejected that the second ROC curve goes up to."""


def render(facts: Facts) -> str:
    """The page as HTML. What comes from file and type names is escaped."""
    here = files("training.report_page")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": percent, "percent_down": percent_down, "percent_up": percent_up}
    environment.filters |= {"above": above, "auroc": _auroc}
    manifest = facts.bundle.manifest
    return environment.from_string((here / "page.html").read_text(encoding="utf-8")).render(
        figures=facts.figures,
        style=(here / "style.css").read_text(encoding="utf-8"),
        verdict=verdict(facts.figures, manifest.calibration),
        critical={each.name for each in manifest.anomaly_types if each.critical},
        manifest=manifest,
        calibration=manifest.calibration,
        calibrations=manifest.calibrations,
        review=manifest.calibration.review,
        charts=_charts(facts),
        mistakes=[
            ("Defects that passed", worst_misses(facts.scored, facts.normal), "None passed."),
            ("Good parts that were rejected", worst_rejects(facts.scored, facts.normal), "None was rejected."),
        ],
        made_at=datetime.fromisoformat(facts.figures["made_at"]),
        version=__version__,
    )


def _charts(facts: Facts) -> dict[str, str]:
    """As SVG, by name; empty where there is nothing to draw."""
    scored, normal, calibration = facts.scored, facts.normal, facts.bundle.manifest.calibration
    drawable = facts.figures["recall_at"] is not None
    threshold = calibration.threshold
    return {
        "histograms": charts.histograms(scored, normal, threshold, calibration.review),
        "roc": charts.roc(scored, normal, threshold, up_to=1.0) if drawable else "",
        "low_end": charts.roc(scored, normal, threshold, up_to=LOW_END) if drawable else "",
        "reliability": charts.reliability_diagram(facts.bins) if facts.bins else "",
        "tail": charts.return_plot(calibration.tail) if calibration.tail else "",
    }


def _auroc(value: Any) -> str:
    return "none" if value is None else f"{value:.4f}"
