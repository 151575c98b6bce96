"""The metrics in the README's table are those that the daemon exposes."""

import re
from pathlib import Path

from inspector import metrics
from tests.deploy.dashboard import METRICS

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_every_metric_is_in_the_table_and_no_other():
    ends = {"counter": "_total"}
    exposed = {metric._name + ends.get(metric._type, "") for metric in METRICS}
    table = README.partition("\n### Metrics\n")[2].partition("\n## ")[0]

    assert metrics.INSPECTIONS in METRICS
    assert set(re.findall(r"`(inspector_\w+)`", table)) == exposed
