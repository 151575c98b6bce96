"""``inspector plc-sim`` against the real daemon, through the shipped broker configuration and certificates."""

import json
import shutil

import pytest

from inspector.cli import main
from tests.broker import MOSQUITTO
from tests.faults.line import Line
from tests.faults.stage import DEFECT, GOOD
from tests.plant import Plant
from tests.requirements import needs


@pytest.mark.parametrize(("kind", "accepted"), [(GOOD, 20), (DEFECT, 0)])
def test_a_station_keeps_the_contract(small_bundle, tmp_path, kind, accepted):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    plant = Plant(tmp_path / "plant")
    with Line(tmp_path / "line", small_bundle, plant=plant) as line:
        line.stage.place(kind)
        tls = plant.tls("plc", "plc-1")
        files = ["--ca-file", tls.ca_file, "--cert-file", tls.cert_file, "--key-file", tls.key_file]
        load = ["--parts", f"{kind}-1", "--rate", 8, "--count", 20, "--deadline-ms", 5000, "--duplicate", 0.5]
        outputs = ["--json", tmp_path / "figures.json"]
        words = ["--port", line.broker.port, "--client-id", "plc-1", *files, *load, *outputs]
        status = main(["plc-sim", "press-1", *map(str, words)])

    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (status, figures["breaches"]) == (0, {})
    assert (figures["triggers"], figures["accepted"]) == (20, accepted)
    assert figures["acknowledge_ms"]["count"] == 20
