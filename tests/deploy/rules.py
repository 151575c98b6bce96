"""The shipped rules as their tests see them, and promtool, which judges them."""

import shutil
import subprocess

import yaml

from tests.deploy.dashboard import DEPLOY
from tests.requirements import needs

PROMTOOL = shutil.which("promtool")
FILES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
RULES = [rule for file in FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDS = [rule for rule in RULES if "record" in rule]


def promtool(*words, stdin=None):
    needs(PROMTOOL, "promtool (Debian: apt-get install prometheus)")
    done = subprocess.run([PROMTOOL, *words], input=stdin, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
