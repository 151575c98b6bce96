"""The daemon's one HTTP server: ``/health`` for whoever starts it again, the metrics on every other path."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import make_wsgi_app, start_http_server

from inspector.errors import ListenError

log = logging.getLogger(__name__)

HEALTH_PATH: Final = "/health"


@contextmanager
def serving_metrics(host: str, port: int, silent: Callable[[], list[str]]) -> Iterator[int]:
    """Answer requests while the block runs; gives the TCP port, of which 0 takes a free one.

    ``silent`` names the stages whose heartbeat is overdue. Raises ListenError.
    """
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        raise ListenError(f"metrics: cannot listen on {host}:{port}: {error.strerror}; is the port taken?") from error
    server.set_app(with_health(make_wsgi_app(), silent))
    log.info("metrics at http://%s:%d/metrics", host, server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_health(app: WSGIApplication, silent: Callable[[], list[str]]) -> WSGIApplication:
    """``app``, and at ``/health`` 200 while every stage's heartbeat is fresh, else 503, with JSON that names them."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] != HEALTH_PATH:
            return list(app(environ, start_response))
        stages = silent()
        status = "503 Service Unavailable" if stages else "200 OK"
        start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json.dumps({"healthy": not stages, "silent": stages}).encode()]

    return answer
