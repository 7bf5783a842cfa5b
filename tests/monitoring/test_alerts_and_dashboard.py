"""What is shipped for Prometheus and Grafana works with the metrics there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from commands.processes import ROOT
from config import metric_catalogue as catalogue

FOLDER = ROOT / "config" / "monitoring"
ALERTS = YAML(typ="safe").load(FOLDER / "alerts.yaml")["groups"][0]["rules"]
TESTS = sorted(FOLDER.glob("*.test.yaml"))
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]

# What Grafana's dashboard model asks of what is used here.
_SOURCE = {"type": "object", "required": ["type", "uid"], "properties": {"uid": {"const": "${datasource}"}}}
_PLACE = {
    "type": "object",
    "required": ["h", "w", "x", "y"],
    "properties": {"w": {"minimum": 1, "maximum": 24}, "x": {"minimum": 0, "maximum": 23}},
}
_TARGET = {
    "type": "object",
    "required": ["refId", "expr", "datasource", "legendFormat"],
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": {"type": "string", "minLength": 1}, "datasource": _SOURCE},
}
_PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer"},
        "type": {"enum": ["row", "timeseries", "stat"]},
        "gridPos": _PLACE,
        "datasource": _SOURCE,
        "targets": {"type": "array", "minItems": 1, "items": _TARGET},
    },
    "if": {"properties": {"type": {"not": {"const": "row"}}}},
    "then": {"required": ["datasource", "targets", "fieldConfig", "options", "description"]},
}
SCHEMA = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "templating", "panels", "time"],
    "properties": {
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "items": _PANEL},
        "templating": {
            "properties": {
                "list": {"contains": {"properties": {"name": {"const": "datasource"}, "type": {"const": "datasource"}}}}
            }
        },
    },
}


def metrics_in(expression: str) -> set[str]:
    names = set(re.findall(r"\b(?:recobro|temporal)_[a-z_]+", expression))
    return {name.removesuffix("_bucket").removesuffix("_count") for name in names}


def anchors(page: str) -> set[str]:
    """The addresses GitHub gives to headings."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def known_metrics() -> set[str]:
    """Ours, and those of the SDK that docs/metrics.md names; a test on a real worker holds these."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {metric.name for metric in catalogue.ALL} | set(re.findall(r"`(temporal_[a-z_]+)`", page))


def promtool(*words: str) -> str:
    found = shutil.which("promtool") or str(ROOT / "var" / "promtool" / "usr" / "bin" / "promtool")
    if not Path(found).exists():
        pytest.skip("promtool is not installed here (`.ci/run` gets it)")
    done = subprocess.run([found, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alert_rules_are_valid_and_their_tests_pass() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", str(FOLDER / "alerts.yaml"))
    assert promtool("test", "rules", *map(str, TESTS)).count("SUCCESS") == len(TESTS)


def test_every_alert_is_seen_to_fire() -> None:
    cases = [case for file in TESTS for case in YAML(typ="safe").load(file)["tests"]]
    tried = [one for case in cases for one in case["alert_rule_test"]]

    fired = {one["alertname"] for one in tried if one.get("exp_alerts")}
    quiet = {one["alertname"] for one in tried if not one.get("exp_alerts")}

    assert fired == quiet == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_and_uses_metrics_there_are(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook_url"].split("#")

    assert page == "docs/operations.md"
    assert anchor in anchors(OPERATIONS)
    assert metrics_in(rule["expr"]) <= known_metrics()
    assert rule["labels"]["severity"] in ("critical", "warning")


def test_the_dashboard_is_one_grafana_takes() -> None:
    jsonschema.validate(DASHBOARD, SCHEMA)

    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24


def test_the_dashboard_draws_every_business_metric_and_none_that_is_not() -> None:
    drawn = set().union(*map(metrics_in, EXPRESSIONS))

    assert drawn <= known_metrics()
    assert {name for name in drawn if name.startswith("recobro_")} == {metric.name for metric in catalogue.ALL}


def test_what_the_dashboard_asks_is_promql(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(EXPRESSIONS)]
    path = tmp_path / "asked.yaml"
    YAML().dump({"groups": [{"name": "asked", "rules": rules}]}, path)

    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))
