"""Alerts and dashboard: PromQL that Prometheus takes, on metrics that a gateway has."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway.adapters.metrics_prometheus import FAMILIES
from tests.deploy.manifests import DEPLOY, on_the_base, only
from tests.support.site import Site

MONITORING = DEPLOY / "components/monitoring"
TESTS = Path(__file__).parent / "alerts_test.yaml"
ALERTS = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["spec"]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The rules as Prometheus reads them, and their tests."""
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(ALERTS))
    shutil.copy(TESTS, tmp_path)
    return tmp_path


def promtool(folder: Path, *arguments: str) -> None:
    """Run it there; without it the test is skipped, except in CI."""
    program = shutil.which("promtool")
    if program is None:
        words = "needs promtool (make tools)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_alerts(folder: Path) -> None:
    """Their syntax."""
    promtool(folder, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")


def test_alerts_fire_when_they_must_and_not_otherwise(folder: Path) -> None:
    """Series of made-up days."""
    promtool(folder, "test", "rules", TESTS.name)
    assert {rule["alert"] for rule in RULES} == set(
        re.findall(r"InventoryGateway\w+", TESTS.read_text())
    )


def test_every_alert_says_what_is_wrong_and_what_it_means() -> None:
    """Whoever is woken up did not write it."""
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_prometheus_takes_the_dashboard_s_queries(tmp_path: Path) -> None:
    """With Grafana's variables filled in, as recording rules."""
    rules = [
        {"record": f"panel:{number}", "expr": _filled(expression)}
        for number, expression in enumerate(queries())
    ]
    (tmp_path / "panels.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )
    promtool(tmp_path, "check", "rules", "panels.yaml")


def _filled(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$namespace", ".*")


def queries() -> list[str]:
    """Of all panels."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_every_metric_is_one_that_a_gateway_has(tmp_path: Path) -> None:
    """Of alerts and dashboard, by a scrape; their labels by the table that it is made from."""
    with Site(tmp_path) as site:
        url = f"http://127.0.0.1:{site.admin_port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            scraped = answer.read().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", scraped, re.MULTILINE))
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    known = {
        name + suffix: FAMILIES[name.removeprefix("inventory_gateway_")].labels
        for name, kind in kinds.items()
        if name.startswith("inventory_gateway_")
        for suffix in suffixes.get(kind, ("",))
    }
    assert known
    for expression in [*queries(), *(rule["expr"] for rule in RULES)]:
        named = re.findall(r"inventory_gateway_\w+", expression)
        assert set(named) <= set(known), expression
        labels = {label for name in named for label in known[name]} | {"le", "pod", "namespace"}
        assert set(_labels(expression)) <= labels, expression


def _labels(expression: str) -> Iterator[str]:
    """Those that it groups and selects by."""
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        yield from (label.strip() for label in group.split(","))
    for selection in re.findall(r"\{([^}]*)\}", expression):
        yield from re.findall(r"(\w+)=~?\"", selection)


def test_no_two_panels_lie_on_each_other() -> None:
    """Each has its place in Grafana's 24 columns, an id and a name of its own."""
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for member in ("id", "title"):
        values = [panel[member] for panel in DASHBOARD["panels"]]
        assert len(values) == len(set(values))


def test_the_component_brings_both(tmp_path: Path) -> None:
    """The dashboard as the ConfigMap that Grafana's sidecar looks for."""
    documents = on_the_base("monitoring", tmp_path)
    assert only(documents, "PrometheusRule")["spec"] == ALERTS
    dashboard = only(documents, "ConfigMap", "inventory-gateway-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["dashboard.json"]) == DASHBOARD
