"""What a panel shows, asked of Prometheus as Grafana asks it."""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """One line of a graph; ``values`` are NaN where there was none."""

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

    @property
    def times_s(self):
        return np.arange(self.start_s, self.end_s, self.step_s)

    def filled_in(self, expr):
        """With Grafana's variables, as for all lines and stations."""
        range_s = f"{self.end_s - self.start_s:.0f}s"
        known = {"line": ".*", "station": ".*", "__rate_interval": "20s", "__range": range_s}
        return re.sub(r"\$(\w+)", lambda found: known[found.group(1)], expr)

    def ask(self, line, target):
        """The series of one target of a panel over the span, of one value each if the target is instant."""
        expr = self.filled_in(target["expr"])
        if target.get("instant"):
            found = line.ask("query", query=expr, time=self.end_s)["result"]
            return [self._series(each["metric"], [each["value"]], target, np.array([self.end_s])) for each in found]
        times_s = self.times_s
        found = line.ask("query_range", query=expr, start=times_s[0], end=times_s[-1], step=self.step_s)["result"]
        return [self._series(each["metric"], each["values"], target, times_s) for each in found]

    def _series(self, labels, samples, target, times_s):
        values = np.full(len(times_s), np.nan)
        for at_s, value in samples:
            values[round((float(at_s) - times_s[0]) / self.step_s)] = float(value)
        name = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found.group(1), ""), target["legendFormat"])
        return Series(name, labels, times_s, values)
