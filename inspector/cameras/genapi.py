"""The features of a camera through GenApi, the reference implementation that vendors' Python packages wrap."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from inspector.cameras.features import Feature, Kind, Value
from inspector.errors import CameraError

READABLE: Final = (3, 4)
WRITABLE: Final = (2, 4)
"""Of EAccessMode: 2 is write-only, 3 read-only, 4 both."""

KINDS: Final[dict[int, Kind]] = {
    2: "integer",
    3: "boolean",
    4: "command",
    5: "float",
    6: "string",
    9: "enumeration",
}
"""By EInterfaceType; what else there is (categories, registers, ports) is no setting."""


class GenApiNodes:
    """See ``NodeMap``. Packages spell GenApi's names differently: ``spell`` makes theirs of ``get_access_mode``.

    ``node`` gives the node of a name, ``nodes`` all of them, and ``refusals`` is what the package raises.
    """

    def __init__(
        self,
        node: Callable[[str], Any],
        nodes: Sequence[Any],
        refusals: type[Exception],
        spell: Callable[[str], str] = str,
    ) -> None:
        self._node = node
        self._refusals = refusals
        self._spell = spell
        inner = [self._of(each, "node") for each in nodes]
        self._kinds = {
            self._of(each, "name"): KINDS[kind]
            for each in inner
            if (kind := self._of(each, "principal_interface_type")) in KINDS
        }
        # Many nodes only compute what others are.
        listed = {self._of(each, "name") for each in inner if self._of(each, "is_feature")()}
        self._names = [name for name in self._kinds if name in listed]

    def has(self, name: str) -> bool:
        """See ``NodeMap``."""
        return name in self._kinds

    def names(self) -> Collection[str]:
        """See ``NodeMap``."""
        return self._names

    def describe(self, name: str) -> Feature:
        """See ``NodeMap``."""
        try:
            return self._described(self._node(name), self._kinds[name])
        except self._refusals as error:
            raise _refused(name, error) from error

    def read(self, name: str) -> Value:
        """See ``NodeMap``."""
        try:
            value: Value = self._of(self._node(name), "value")
        except self._refusals as error:
            raise _refused(name, error) from error
        return value

    def write(self, name: str, value: Value) -> None:
        """See ``NodeMap``."""
        try:
            setattr(self._node(name), self._spell("value"), value)
        except self._refusals as error:
            raise _refused(name, error) from error

    def execute(self, name: str) -> None:
        """See ``NodeMap``."""
        try:
            self._of(self._node(name), "execute")()
        except self._refusals as error:
            raise _refused(name, error) from error

    def _described(self, node: Any, kind: Kind) -> Feature:
        access = self._of(node, "get_access_mode")()
        if access not in READABLE or kind in {"boolean", "string", "command"}:
            return Feature(kind, is_writable=access in WRITABLE)
        if kind == "enumeration":
            return Feature(kind, is_writable=access in WRITABLE, entries=self._entries(node))
        has_steps = kind == "integer" or self._of(node, "has_inc")()
        return Feature(
            kind,
            is_writable=access in WRITABLE,
            least=self._of(node, "min"),
            most=self._of(node, "max"),
            step=self._of(node, "inc") if has_steps else None,
        )

    def _entries(self, node: Any) -> list[str]:
        """Those that can be chosen now."""
        entries = self._of(node, "entries")
        return [self._of(entry, "symbolic") for entry in entries if self._of(entry, "get_access_mode")() in READABLE]

    def _of(self, node: Any, name: str) -> Any:
        return getattr(node, self._spell(name))


def _refused(name: str, error: Exception) -> CameraError:
    return CameraError(f"refuses {name}: {error}")
