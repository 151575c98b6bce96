"""What goes wrong with a broker, in words that say what to do, and each of them once."""

import logging
import ssl
from dataclasses import dataclass
from socket import gaierror

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker as one station meets it: whom to name when something goes wrong."""

    station: str
    address: str
    client_id: str
    username: str | None

    def refused(self, reason: str) -> str:
        """``reason``: name of the reason code of a CONNACK, MQTT 5.0 section 3.2.2.2."""
        if reason in {"Bad user name or password", "Not authorized"}:
            advice = "check user name and password_file" if self.username else "set username and password_file"
        elif reason == "Client identifier not valid":
            advice = f"it does not take {self.client_id}: set another client_id"
        elif reason == "Unsupported protocol version":
            advice = "set version to the other one, 5 or 3.1.1"
        else:
            advice = "the broker's own log says why"
        return f"{self.address} refused the connection: {reason}; {advice}"

    def lost(self, reason: str) -> str:
        """``reason``: name of the reason code of a DISCONNECT, MQTT 5.0 section 3.14.2.1."""
        if reason == "Session taken over":
            return f"lost {self.address}: another client is {self.client_id}, too; give one of them another client_id"
        # Not every broker says it under MQTT 5, and none can under 3.1.1.
        return f"lost {self.address}: {reason}; results wait; if it repeats, is another client {self.client_id}, too?"

    def unreachable(self, error: BaseException | None) -> str:
        """``error``: what the attempt to connect raised, where it is known."""
        match error:
            case ssl.SSLCertVerificationError():
                advice = f"{error.verify_message}; check tls.ca_file, and that the certificate names this host"
            case ssl.SSLError():
                advice = f"TLS failed: {error}; is this the broker's TLS port? does it want tls.cert_file?"
            case gaierror():
                advice = f"{error.strerror}; check host, and the name server"
            case ConnectionRefusedError():
                advice = "nothing listens there; is the broker running? check host and port"
            case _:
                advice = f"{error}; check host, port, cable and firewall"
        return f"cannot connect to {self.address}: {advice}"

    def silent(self) -> str:
        """The broker ended the connection instead of answering."""
        return f"{self.address} hangs up without an answer: is this a TLS port? does it want tls.cert_file?"

    def denied(self, reason: str, topic: str) -> str:
        """``reason``: name of the reason code of a PUBACK, MQTT 5.0 section 3.4.2.1."""
        who = self.username or "clients without a user"
        return f"{self.address} refused a message on {topic}: {reason}; correct its access list for {who}"

    def deaf(self, reason: str, topic: str) -> str:
        """``reason``: name of the reason code of a SUBACK, MQTT 5.0 section 3.9.3."""
        who = self.username or "clients without a user"
        return f"{self.address} lets nobody talk to us on {topic}: {reason}; correct its access list for {who}"


class Episode:
    """Says each trouble once from its beginning to its end: a broker that is away for a night is one line."""

    def __init__(self, station: str) -> None:
        self._extra = {"station": station}
        self._said: set[str] = set()

    def tell(self, level: int, trouble: str) -> None:
        """Log the trouble, unless this episode has said it before."""
        if trouble not in self._said:
            self._said.add(trouble)
            log.log(level, "%s", trouble, extra=self._extra)

    def end(self) -> None:
        """All is well: the next trouble is news again."""
        self._said.clear()
