"""The command lines of ``inspector deploy``, ``rollback`` and ``command``."""

import argparse
from pathlib import Path
from typing import Final, get_args

from inspector.plc import CommandMessage

NEEDS_MORE: Final = {"deploy", "rollback"}
"""Commands that have a command line of their own."""

COMMANDS: Final = tuple(
    each for each in get_args(CommandMessage.model_fields["command"].annotation) if each not in NEEDS_MORE
)

DEPLOY: Final = (
    "Have a station judge by another model while it runs: the bundle is copied into the store (models.folder), loaded"
    " beside the model that judges, proved by its checksums and golden pictures, compared with that model on N parts if"
    " asked, and takes over between two parts. It is taken back by itself if its first verdicts are unlike what was"
    " expected."
)
DEPLOY_EPILOG: Final = """examples:
  inspector deploy build/cells/bundle --config line-1.yaml --station press-1 --shadow 200 --wait
  inspector deploy 5e1b0c9d --config line-1.yaml --station press-1    # one of the store, by the digits of its digest

exit status: 0 deployed (without --wait: loaded and proved); 1 refused or taken back; 69 no daemon listens; 78 a mistake
"""
ROLLBACK: Final = "Call off a model that is on its way, or have the one before judge again, at once."
ROLLBACK_EPILOG: Final = """examples:
  inspector rollback --config line-1.yaml --station press-1

exit status: 0 done; 1 refused; 69 no daemon listens; 78 a mistake
"""
COMMAND: Final = "Ask something of a daemon that runs on this machine, over the socket that its configuration names."
COMMAND_EPILOG: Final = """examples:
  inspector command line-1.yaml status --json
  inspector command line-1.yaml pause --station press-1
  inspector command line-1.yaml set-recipe --station press-1 --recipe lid
  inspector command line-1.yaml reload    # the whole configuration; with --station that station's bundles

exit status: 0 done; 1 refused; 69 no daemon listens; 78 a mistake
"""


def add_deploy(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector deploy``."""
    parser.add_argument("bundle", help="folder of a model bundle; or one of the store, by digest or name")
    _add_where(parser)
    parser.add_argument("--shadow", type=int, metavar="N", help="compare with the model that judges on N parts first")
    parser.add_argument("--min-agreement", type=float, metavar="SHARE", help="least share of them judged alike")
    parser.add_argument("--probation", type=int, metavar="N", help="watch the first N verdicts")
    parser.add_argument("--wait", action="store_true", help="until the model is deployed, refused or taken back")


def add_rollback(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector rollback``."""
    _add_where(parser)


def add_command(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector command``."""
    parser.add_argument("config", type=Path, help="the configuration file that the daemon runs by")
    parser.add_argument("command_name", metavar="COMMAND", choices=COMMANDS, help=", ".join(COMMANDS))
    _add_station(parser)
    parser.add_argument("--alarm", help="acknowledge, reset: which alarm; without it all")
    parser.add_argument("--recipe", help="set-recipe: which; without it the bundle of the station")
    parser.add_argument("--json", action="store_true", help="the replies as JSON, one a line")


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the configuration file that the daemon runs by")
    _add_station(parser)
    parser.add_argument("--json", action="store_true", help="the replies as JSON, one a line")


def _add_station(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", help="which station; may be left out where there is one")
