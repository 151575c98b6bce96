"""The command lines of ``inspector ui`` and ``inspector accounts``."""

import argparse
from pathlib import Path
from typing import Final

PAGE: Final = (
    "Serve the operator's page: what each station says now, every part with its picture, alarms. It is a process of"
    " its own, which reads what the daemon of the same configuration writes; no verdict waits for it."
)
PAGE_EXAMPLES: Final = """examples:
  inspector accounts line.yaml add anna --role engineer     the first account; prints its password, once
  inspector ui line.yaml                                    then http://127.0.0.1:8108
"""

ACCOUNTS: Final = "Who may log in to the operator's page, and what as. Run it as the user that the page runs as."
ACCOUNTS_EXAMPLES: Final = """roles: viewers look, operators also see to alarms, engineers also change what stations do

examples:
  inspector accounts line.yaml add anna --role engineer               a password is made up and printed, once
  pass show anna | inspector accounts line.yaml add anna --role viewer --password-stdin
  inspector accounts line.yaml role anna --role operator
  inspector accounts line.yaml list --json
"""


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector ui``."""
    parser.add_argument("config", type=Path, help="configuration file, YAML, with a `ui:` section")


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector accounts``."""
    parser.add_argument("config", type=Path, help="configuration file, YAML, with a `ui:` section")
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    add = what.add_parser("add", help="make an account")
    add.add_argument("name", help="up to 64 letters, digits, and . _ - @")
    _add_role(add)
    _add_password(add)

    password = what.add_parser("password", help="give an account another password; it is logged out")
    password.add_argument("name", help="whose")
    _add_password(password)

    role = what.add_parser("role", help="let somebody do more, or less")
    role.add_argument("name", help="who")
    _add_role(role)

    remove = what.add_parser("remove", help="take an account away; it is logged out")
    remove.add_argument("name", help="whose")

    listing = what.add_parser("list", help="names and roles")
    listing.add_argument("--json", action="store_true", help="a JSON array instead of the table")


def _add_role(parser: argparse.ArgumentParser) -> None:
    # Words, not the enumeration: argon2 is an extra, which a daemon does without.
    parser.add_argument("--role", choices=("viewer", "operator", "engineer"), required=True, help="what it may do")


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true",
                        help="read the password from standard input instead of making one up")  # fmt: skip
