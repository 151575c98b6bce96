"""Each alert fires when it should, and only then: judged by promtool, on stories of one station."""

import re

import pytest
import yaml

from inspector.alarms import NAMES
from tests.deploy.alert_cases import CASES
from tests.deploy.dashboard import DEPLOY
from tests.deploy.rules import ALERTS, FILES, promtool

RUNBOOK = (DEPLOY / "RUNBOOK.md").read_text()

per_alert = pytest.mark.parametrize("alert", ALERTS)


def test_every_alert_has_a_story_that_fires_it_and_one_that_does_not():
    assert CASES.keys() == ALERTS.keys()
    assert all(case.fires != case.silent for case in CASES.values())


@per_alert
def test_fires_and_is_silent_as_its_stories_say(alert, tmp_path):
    case, rule = CASES[alert], ALERTS[alert]
    fired = {
        "exp_labels": {**case.labels, **rule["labels"]},
        "exp_annotations": {**rule["annotations"], "summary": case.says},
    }
    path = tmp_path / "test.yml"
    path.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(file) for file in FILES],
                "evaluation_interval": "1m",
                "tests": [story(alert, case, case.fires, [fired]), story(alert, case, case.silent, [])],
            }
        )
    )

    status, said = promtool("test", "rules", path)

    assert status == 0, said


def story(alert, case, series, expected):
    return {
        "interval": "1m",
        "input_series": [
            {"series": with_labels(name, case.labels), "values": values} for name, values in series.items()
        ],
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": alert, "exp_alerts": expected}],
    }


def with_labels(series, labels):
    """The series with these labels beside its own, which win."""
    name, _, own = series.rstrip("}").partition("{")
    of_station = [f'{key}="{value}"' for key, value in labels.items() if f"{key}=" not in own]
    return f"{name}{{{','.join([own] * bool(own) + of_station)}}}"


@per_alert
def test_says_who_has_to_come_what_happened_and_where_to_read_on(alert):
    rule = ALERTS[alert]

    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["description"].endswith(".")
    assert rule["annotations"]["runbook_url"] == f"deploy/RUNBOOK.md#{alert.lower()}"


def test_the_runbook_has_a_section_for_each_alert_and_for_no_other():
    sections = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)

    assert sections == list(ALERTS)


def test_every_link_of_the_runbook_leads_somewhere():
    sections = {f"#{name.lower()}" for name in ALERTS}
    links = re.findall(r"\]\(([^)]+)\)", RUNBOOK)

    assert links
    assert [link for link in links if link not in sections and not (DEPLOY / link).exists()] == []


def test_alarms_that_rules_name_can_be_raised():
    named = [re.findall(r'alarm(?:=|!=|=~|!~)"([^"]+)"', rule["expr"]) for rule in ALERTS.values()]
    names = {name for matchers in named for matcher in matchers for name in matcher.split("|")}

    assert names
    assert names <= set(NAMES)
