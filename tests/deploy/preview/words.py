"""Numbers as Grafana writes them, for the units that the dashboards use."""

import math


def words(value, unit):
    """The number with its unit, short."""
    if not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        return duration(value)
    if unit in {"bytes", "Bps"}:
        return f"{scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])}{'/s' if unit == 'Bps' else ''}"
    ends = {"reqps": "/s", "cps": "/s", "cpm": "/min"}
    return f"{scaled(value, 1000, ['', 'K', 'M'])}{ends.get(unit, '')}"


def scaled(value, base, prefixes):
    """In the largest prefix of which there is at least one."""
    power = min(int(math.log(abs(value), base)), len(prefixes) - 1) if abs(value) >= 1 else 0
    return f"{value / base**power:.3g} {prefixes[power]}".rstrip()


def duration(seconds):
    """In the largest unit of which there is at least one."""
    for unit, length_s in {"years": 365 * 86400, "days": 86400, "h": 3600, "min": 60, "s": 1, "ms": 1e-3}.items():
        if abs(seconds) >= length_s:
            return f"{seconds / length_s:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs" if seconds else "0 s"
