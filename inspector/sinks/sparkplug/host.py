"""What the primary host application says of itself."""

from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, ValidationError

from inspector.sinks.sparkplug.edge_node import NAMESPACE


class StateMessage(BaseModel):
    """Payload of ``spBv1.0/STATE/<host id>``. Source: ``tck-id-host-topic-phid-birth-payload``."""

    model_config = ConfigDict(frozen=True)

    online: StrictBool
    timestamp: StrictInt
    """When the host connected, or announced its leave: milliseconds of UTC since 1970."""


class PrimaryHost:
    """One host, as it is heard on one connection: a later one may be to a host whose clock was set back."""

    def __init__(self, host_id: str) -> None:
        self.topic = f"{NAMESPACE}/STATE/{host_id}"
        self.online = False
        self._timestamp: int | None = None

    def hear(self, payload: bytes) -> None:
        """Take the message for the truth, unless it is older than the last one.

        Source: ``tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp``. Raises ValueError for what is no
        STATE message.
        """
        try:
            message = StateMessage.model_validate_json(payload)
        except ValidationError as error:
            raise ValueError('not a STATE message such as {"online": true, "timestamp": 1764060000000}') from error
        if self._timestamp is None or message.timestamp >= self._timestamp:
            self.online, self._timestamp = message.online, message.timestamp
