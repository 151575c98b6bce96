"""What a panel shows, asked of Prometheus as Grafana asks it."""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """One line of a graph; ``values`` may hold NaN."""

    name: str
    labels: dict[str, str]
    times_s: np.ndarray
    values: np.ndarray

    @property
    def last(self) -> float:
        known = self.values[np.isfinite(self.values)]
        return float(known[-1]) if len(known) else float("nan")


@dataclass(frozen=True)
class Span:
    """The time that the dashboard shows, and how finely."""

    start_s: float
    end_s: float
    step_s: float

    def filled_in(self, expr):
        """Grafana's variables, as for all lines and stations."""
        known = {
            "line": ".*",
            "station": ".*",
            "__rate_interval": "20s",
            "__range": f"{self.end_s - self.start_s:.0f}s",
        }
        return re.sub(r"\$(\w+)", lambda found: known[found.group(1)], expr)

    def ask(self, line, target):
        """The series of one target of a panel, over the span; with one value each if the target is instant."""
        expr = self.filled_in(target["expr"])
        if target.get("instant"):
            result = line.ask("query", query=expr, time=self.end_s)["result"]
            return [series(each["metric"], [each["value"]], target["legendFormat"]) for each in result]
        asked = {"query": expr, "start": self.start_s, "end": self.end_s, "step": self.step_s}
        result = line.ask("query_range", **asked)["result"]
        return [series(each["metric"], each["values"], target["legendFormat"]) for each in result]


def series(labels, samples, legend):
    name = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found.group(1), ""), legend)
    times_s, values = np.array(samples, dtype=float).T
    return Series(name, labels, times_s, values)
