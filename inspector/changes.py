"""What another configuration means for the stations that run by the one before."""

from dataclasses import dataclass
from typing import Any, Final

from inspector.config import Config
from inspector.errors import ConfigError

FIXED: Final = ("record", "archive", "ui", "models", "control", "metrics", "logging")
"""What a running process cannot change."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The stations that it is about, by their names."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """To be built anew."""
    bundle_changed: tuple[str, ...] = ()
    """Nothing else is new: they change models between two parts."""

    @classmethod
    def between(cls, before: Config, after: Config) -> "Changes":
        """Raises ConfigError where it takes a restart."""
        fixed = [name for name in FIXED if getattr(before, name) != getattr(after, name)]
        if fixed:
            raise ConfigError(f"{', '.join(fixed)}: cannot change while the daemon runs; restart it instead")
        old, new = _stations(before), _stations(after)
        both = [name for name in new if name in old]
        bundles = {station.name: station.bundle for station in before.stations}
        return cls(
            added=tuple(name for name in new if name not in old),
            removed=tuple(name for name in old if name not in new),
            changed=tuple(name for name in both if old[name] != new[name]),
            bundle_changed=tuple(
                station.name
                for station in after.stations
                if station.name in both
                and old[station.name] == new[station.name]
                and bundles[station.name] != station.bundle
            ),
        )

    def __str__(self) -> str:
        said = {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "another bundle": self.bundle_changed,
        }
        return "; ".join(f"{how}: {', '.join(names)}" for how, names in said.items() if names) or "nothing has changed"


def _stations(config: Config) -> dict[str, Any]:
    """All that decides how each station runs, but for its own bundle."""
    return {
        each.name: (
            each.model_copy(update={"bundle": None}),
            config.sinks_of(each),
            each.engine or config.engine,
            each.precision or config.precision,
            config.threads_per_station,
        )
        for each in config.stations
    }
