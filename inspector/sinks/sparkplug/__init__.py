"""Verdicts as Sparkplug B 3.0, for SCADA: each station is an edge node of its own, and its camera the node's device.

``settings`` is what a configuration says; ``sink`` joins the session (``edge_node``, ``host``, ``store``) to a broker;
``payload`` is the message on the wire and ``device`` the metrics in it. Source of it all: Eclipse Sparkplug
Specification 3.0.0, 2022-11-16, cited by section and by the identifiers of its assertions, ``tck-id-...``.
"""

from inspector.sinks.sparkplug.settings import SparkplugSettings

__all__ = ["SparkplugSettings"]
