"""``python -m deploy.grafana.generator`` writes the dashboards; with ``--check`` it says which are not as it would."""

import argparse
import sys
from pathlib import Path
from typing import Final

from deploy.grafana.generator.fleet import fleet
from deploy.grafana.generator.line import line
from deploy.grafana.generator.station import station

FOLDER: Final = Path(__file__).parents[1] / "dashboards"


def main() -> int:
    """Exit status 1 where the check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m deploy.grafana.generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not what it should be")
    check = parser.parse_args().check
    pages = {FOLDER / f"{page.uid}.json": page.json() for page in (fleet(), line(), station())}
    if not check:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    wrong = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    wrong += [path for path in FOLDER.glob("*.json") if path not in pages]
    for path in wrong:
        print(f"{path} is not what the generator writes: run python -m deploy.grafana.generator", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
