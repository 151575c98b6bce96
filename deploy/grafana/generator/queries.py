"""PromQL that more than one panel needs, and the labels by which a dashboard chooses what it shows."""

from typing import Final

RATE: Final = "$__rate_interval"
"""Grafana's own: wide enough for a rate at every zoom."""


def chosen(**matchers: str) -> str:
    """The selector of the lines and stations that the viewer chose; further ``label="value"`` pairs go along."""
    more = "".join(f', {label}="{value}"' for label, value in matchers.items())
    return f'{{line=~"$line", station=~"$station"{more}}}'


def per_second(counter: str, by: str) -> str:
    """How often a counter counts, summed up by these labels."""
    return f"sum by ({by}) (rate({counter}{chosen()}[{RATE}]))"


def per_minute(counter: str, by: str) -> str:
    """The same for what is rare."""
    return f"60 * {per_second(counter, by)}"


def quantile(share: float, histogram: str) -> str:
    """By station, from the histogram's buckets."""
    return f"histogram_quantile({share}, sum by (station, le) (rate({histogram}_bucket{chosen()}[{RATE}])))"


def recorded(record: str, **matchers: str) -> str:
    """What a recording rule says of each station."""
    return f"max by (station) ({record}{chosen(**matchers)})"
