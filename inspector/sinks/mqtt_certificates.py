"""When the certificates of a connection end, for whoever has to renew them before: nothing else says it in time."""

import logging
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from inspector import metrics

log = logging.getLogger(__name__)


def show_own(station: str, sink: str, authority: Path, own: Path | None) -> None:
    """Those that the configuration names.

    Of several authorities the last to end counts, since until then the broker can be trusted; of the station's own
    chain the first, since from then on the broker turns it away.
    """
    _show_file(station, sink, "ca", authority, max)
    if own:
        _show_file(station, sink, "client", own, min)


def show_brokers(station: str, sink: str, connection: Any) -> None:
    """The one that the broker showed when this connection began; nothing where it speaks without TLS."""
    if not isinstance(connection, ssl.SSLSocket):
        return
    certificate = connection.getpeercert()
    if certificate:
        _show(station, sink, "broker", ssl.cert_time_to_seconds(str(certificate["notAfter"])))


def _show_file(station: str, sink: str, which: str, file: Path, choose: Callable[[Iterable[float]], float]) -> None:
    try:
        _show(station, sink, which, choose(ends_s(file)))
    except ValueError as error:
        # TLS took the file, and it goes on: only nobody will be warned.
        log.warning("cannot tell when %s ends: %s", file, error, extra={"station": station})


def ends_s(file: Path) -> list[float]:
    """Unix time at which each certificate of a PEM file ends. Raises ValueError for one that X.509 does not allow."""
    # It takes a while to import, and only TLS needs it.
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    return [each.not_valid_after_utc.timestamp() for each in load_pem_x509_certificates(file.read_bytes())]


def _show(station: str, sink: str, which: str, ends_s: float) -> None:
    metrics.CERTIFICATE_EXPIRY.labels(station, sink, which).set(ends_s)
