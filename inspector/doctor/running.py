"""The daemon that runs a configuration at this moment, as its metrics tell: asking them disturbs nothing."""

from dataclasses import dataclass
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from inspector.config import Config

ANSWER_WITHIN_S: Final = 3.0

ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be asked, not to listen on


@dataclass(frozen=True, slots=True)
class Running:
    """``cameras``: whether each station's camera is up. Empty where no such daemon runs."""

    cameras: dict[str, bool]

    def __bool__(self) -> bool:
        return bool(self.cameras)


def running(config: Config) -> Running:
    """The daemon behind the metrics' port, if it has the stations of this configuration."""
    try:
        text = _metrics(config.metrics.host, config.metrics.port)
        found = {
            sample.labels["station"]: sample.value == 1
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "inspector_camera_up"
        }
    except (OSError, URLError, ValueError):  # nobody listens, or somebody else
        return Running({})
    return Running(found if found.keys() == {station.name for station in config.stations} else {})


def _metrics(host: str, port: int) -> str:
    address = ANY_ADDRESS.get(host, host)
    address = f"[{address}]" if ":" in address else address
    with urlopen(f"http://{address}:{port}/metrics", timeout=ANSWER_WITHIN_S) as page:
        text: str = page.read().decode()
        return text
