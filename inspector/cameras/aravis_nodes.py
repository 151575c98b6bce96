"""The features of a camera that Aravis has opened."""

import ctypes
from collections.abc import Collection, Iterator
from ctypes import POINTER, byref, c_double, c_int64
from typing import Any, Final

from inspector.cameras.features import Feature, Kind, Value
from inspector.cameras.libaravis import Library, Link

WRITABLE: Final = (1, 2)
"""Of ArvGcAccessMode: write-only, and both."""

ROOTS: Final = (b"Root", b"GevSCPSPacketSize")
"""Where features begin: Aravis knows the packet size itself, so that cameras need not describe it."""

KINDS: Final[tuple[Kind, ...]] = ("enumeration", "boolean", "command", "string", "float", "integer")
"""In the order in which to ask a node: an enumeration is an integer and a string too."""


class AravisNodes:
    """See ``NodeMap``. ``device`` is an ArvDevice, which lives as long as its camera."""

    def __init__(self, aravis: Library, device: Any) -> None:
        self._aravis = aravis
        self._device = device
        self._kinds = {name: kind for root in ROOTS for name, kind in self._walk(root)}

    def names(self) -> Collection[str]:
        """See ``NodeMap``."""
        return self._kinds

    def describe(self, name: str) -> Feature:
        """See ``NodeMap``."""
        kind, feature = self._kinds[name], name.encode()
        is_writable = self._is_writable(self._aravis.call("device_get_feature", self._device, feature))
        if kind == "enumeration":
            return Feature(kind, is_writable, self._aravis.entries(self._device, feature))
        if kind not in {"integer", "float"} or not is_writable:
            return Feature(kind, is_writable)
        least, most = (c_int64(), c_int64()) if kind == "integer" else (c_double(), c_double())
        self._aravis.call(f"device_get_{kind}_feature_bounds", self._device, feature, byref(least), byref(most))
        step = self._aravis.call(f"device_get_{kind}_feature_increment", self._device, feature)
        return Feature(kind, is_writable, least=least.value, most=most.value, step=step)

    def read(self, name: str) -> Value:
        """See ``NodeMap``."""
        spoken = self._spoken(name)
        value = self._aravis.call(f"device_get_{spoken}_feature_value", self._device, name.encode())
        if spoken == "string":
            return str(value.decode())
        return bool(value) if spoken == "boolean" else value

    def write(self, name: str, value: Value) -> None:
        """See ``NodeMap``."""
        spoken = self._spoken(name)
        given = str(value).encode() if spoken == "string" else value
        self._aravis.call(f"device_set_{spoken}_feature_value", self._device, name.encode(), given)

    def execute(self, name: str) -> None:
        """See ``NodeMap``."""
        self._aravis.call("device_execute_command", self._device, name.encode())

    def _spoken(self, name: str) -> str:
        """How Aravis is asked: an entry of an enumeration is a string to it."""
        kind = self._kinds[name]
        return "string" if kind == "enumeration" else kind

    def _is_writable(self, node: Any) -> bool:
        return (
            bool(self._aravis.call("gc_feature_node_is_available", node))
            and not self._aravis.call("gc_feature_node_is_locked", node)
            and self._aravis.call("gc_feature_node_get_actual_access_mode", node) in WRITABLE
        )

    def _walk(self, name: bytes) -> Iterator[tuple[str, Kind]]:
        """The features below a category, and what they are."""
        node = self._aravis.call("device_get_feature", self._device, name)
        if not node:
            return
        if not self._aravis.is_a(node, "gc_category"):
            kinds = [kind for kind in KINDS if self._aravis.is_a(node, f"gc_{kind}")]
            yield from ((name.decode(), kind) for kind in kinds[:1])
            return
        link = ctypes.cast(self._aravis.call("gc_category_get_features", node), POINTER(Link))
        while link:
            yield from self._walk(link.contents.data)
            link = link.contents.next
