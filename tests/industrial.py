"""Settings of industrial cameras, simulated by what their vendors ship, where their libraries are installed."""

import importlib.util
import os
from pathlib import Path

from inspector.cameras.aravis import AravisSettings
from inspector.cameras.basler import BaslerSettings
from inspector.cameras.genicam import GenicamSettings
from inspector.cameras.libaravis import library
from inspector.errors import ConfigError
from tests.requirements import needs

# Read when pylon is loaded, by this process and by the helpers that it starts.
os.environ.setdefault("PYLON_CAMEMU", "2")

FIRST_BASLER, SECOND_BASLER = "0815-0000", "0815-0001"


def aravis_settings(**settings):
    needs(_has_aravis(), "Aravis (apt-get install libaravis-0.8-0)")
    return AravisSettings(**settings)


def genicam_settings(serial="0", **settings):
    """Of a camera of the simulated producer, in this process."""
    return GenicamSettings(**{"cti": simulated_producer(), "serial": serial, "isolate": False} | settings)


def simulated_producer():
    package = importlib.util.find_spec("genicam")
    needs(importlib.util.find_spec("harvesters") and package, "harvesters (pip install 'line-inspector[genicam]')")
    return Path(package.origin).with_name("viky.cti")


def basler_settings(serial=FIRST_BASLER, **settings):
    """Of a camera that pylon emulates, in this process."""
    needs(importlib.util.find_spec("pypylon"), "pypylon (pip install 'line-inspector[basler]')")
    return BaslerSettings(**{"serial": serial, "isolate": False} | settings)


def _has_aravis():
    try:
        return library()
    except ConfigError:
        return None
