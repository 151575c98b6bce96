"""What ``inspector ui`` and ``inspector accounts`` do."""

import argparse
import json
import logging
import socket
import ssl
import sys
from pathlib import Path

import uvicorn
from rich.console import Console
from rich.table import Table

from inspector import logs, sdnotify
from inspector.config import read_config
from inspector.errors import ConfigError, ListenError
from inspector.operator_page import PageSettings
from inspector.ui.accounts import Accounts, Role, made_up_password
from inspector.ui.app import application
from inspector.ui.office import Office, open_office

log = logging.getLogger(__name__)

STOP_WITHIN_S = 3
"""How long a stop waits for browsers that are being answered; those that watch are let go at once."""


def serve(arguments: argparse.Namespace) -> int:
    """Serve the page until SIGTERM or SIGINT. Raises ConfigError, ListenError, RecordError."""
    config = read_config(arguments.config)
    logs.configure(config.logging.level, config.logging.format)
    office = open_office(config)
    _check_certificate(office.settings)
    _Server(_settings(office), office).run(sockets=[_listening(office.settings)])
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, office: Office) -> None:
        super().__init__(config)
        self._office = office

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = sockets[0].getsockname()[1] if sockets else self._office.settings.port
        scheme = "https" if self._office.tls else "http"
        log.info("the operator's page is at %s://%s:%d", scheme, self._office.settings.host, port)
        sdnotify.ready("serving")


def _settings(office: Office) -> uvicorn.Config:
    settings = office.settings
    return uvicorn.Config(
        application(office),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # what a client says of itself decides nothing
        ws="none",
        timeout_graceful_shutdown=STOP_WITHIN_S,
        limit_concurrency=200,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )


def _check_certificate(settings: PageSettings) -> None:
    """Here and not in uvicorn, which would end with a traceback."""
    if not settings.certificate:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.key)
    except OSError as error:
        raise ConfigError(
            f"ui.certificate {settings.certificate} and ui.key {settings.key} cannot be used: {error}; "
            "are both in PEM, and is it the certificate's own key?"
        ) from error


def _listening(settings: PageSettings) -> socket.socket:
    """Here and not in uvicorn, which would end with a traceback."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise ListenError(f"ui: cannot listen on {where}: {error.strerror}; is the port taken?") from error


def manage(arguments: argparse.Namespace) -> int:
    """Change or list accounts. Raises ConfigError."""
    accounts = Accounts(_folder(arguments.config))
    match arguments.what:
        case "add":
            accounts.add(arguments.name, Role(arguments.role), _password(arguments))
        case "password":
            accounts.change_password(arguments.name, _password(arguments))
        case "role":
            accounts.change_role(arguments.name, Role(arguments.role))
        case "remove":
            accounts.remove(arguments.name)
        case "list":
            _print_list(accounts, as_json=arguments.json)
    return 0


def _folder(config: Path) -> Path:
    ui = read_config(config).ui
    if not ui:
        raise ConfigError(f"{config}: has no `ui:` section; configs/inspector/line.yaml shows one")
    return ui.folder


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = made_up_password()
    print(f"The password of {arguments.name}, which is not shown again: {password}")
    return password


def _print_list(accounts: Accounts, *, as_json: bool) -> None:
    known = [{"name": each.name, "role": each.role} for each in accounts.all().values()]
    if as_json:
        print(json.dumps(known))
        return
    table = Table("name", "role")
    for each in known:
        table.add_row(each["name"], each["role"])
    Console().print(table)
