"""The features of a camera that Aravis has opened."""

import ctypes
from collections.abc import Collection, Iterator
from ctypes import POINTER, byref, c_double, c_int64
from typing import Any, Final

from inspector.cameras.features import Feature, Kind, Value
from inspector.cameras.libaravis import Library, Link

WRITABLE: Final = (1, 2)
"""Of ArvGcAccessMode: write-only, and both."""

KINDS: Final[tuple[Kind, ...]] = ("enumeration", "boolean", "command", "string", "float", "integer")
"""In the order in which to ask a node: an enumeration is an integer and a string too."""


class AravisNodes:
    """See ``NodeMap``. ``device`` is an ArvDevice, which lives as long as its camera."""

    def __init__(self, aravis: Library, device: Any) -> None:
        self._aravis = aravis
        self._device = device

    def has(self, name: str) -> bool:
        """See ``NodeMap``. Cameras have more than they list, and Aravis adds the packet size."""
        return bool(self._kinds(self._node(name)))

    def names(self) -> Collection[str]:
        """See ``NodeMap``."""
        return list(self._walk("Root"))

    def describe(self, name: str) -> Feature:
        """See ``NodeMap``."""
        node, feature = self._node(name), name.encode()
        kind, is_writable = self._kinds(node)[0], self._is_writable(node)
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
        kind = self._kinds(self._node(name))[0]
        return "string" if kind == "enumeration" else kind

    def _is_writable(self, node: Any) -> bool:
        return (
            bool(self._aravis.call("gc_feature_node_is_available", node))
            and not self._aravis.call("gc_feature_node_is_locked", node)
            and self._aravis.call("gc_feature_node_get_actual_access_mode", node) in WRITABLE
        )

    def _node(self, name: str) -> Any:
        return self._aravis.call("device_get_feature", self._device, name.encode())

    def _kinds(self, node: Any) -> list[Kind]:
        """What the node is, the most telling first; nothing for a category, or none."""
        return [kind for kind in KINDS if node and self._aravis.is_a(node, f"gc_{kind}")]

    def _walk(self, name: str) -> Iterator[str]:
        """The features in a category and in those below it."""
        node = self._node(name)
        if not node or not self._aravis.is_a(node, "gc_category"):
            yield name
            return
        link = ctypes.cast(self._aravis.call("gc_category_get_features", node), POINTER(Link))
        while link:
            yield from self._walk(link.contents.data.decode())
            link = link.contents.next
