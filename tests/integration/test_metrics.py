"""A scrape after real traffic, as Prometheus reads it and as its own checker judges it."""

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.inventory import document
from tests.support.site import ANA, Site, wait_until
from tests.support.wire import message, signed


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Site]:
    """A gateway that has carried an object both ways, refused a report and let one pass."""
    with Site(tmp_path) as site:
        for request in (
            message("PUT", "/acme-orders/key", b"x" * 1000),
            message("GET", "/acme-orders/key"),
            message("GET", "/acme-orders/none"),
            message("PUT", "/acme-orders?inventory&id=inv-1", document(encryption="").encode()),
            message("PUT", "/acme-orders?inventory&id=inv-1", document().encode()),
        ):
            site.call(signed(request, ANA))
        yield site


def scraped(site: Site, accept: str = "") -> str:
    """What /metrics says."""
    assert site.admin_port
    url = f"http://127.0.0.1:{site.admin_port}/metrics"
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept": accept}),
        timeout=30,
    ) as answer:
        return str(answer.read().decode())


def value(text: str, name: str, **labels: str) -> float:
    """A sample's value."""
    wanted = ",".join(f'{label}="{what}"' for label, what in sorted(labels.items()))
    row = f"inventory_gateway_{name}" + (f"{{{wanted}}}" if wanted else "")
    (line,) = [line for line in text.splitlines() if line.startswith(f"{row} ")]
    return float(line.removeprefix(row))


def test_traffic_is_counted_where_it_passes(busy: Site) -> None:
    """Operations, verdicts, findings, the time of every stage, bytes both ways."""
    wait_until(lambda: 'decisions_total{verdict="allow"} 1.0' in scraped(busy))
    text = scraped(busy)
    requests = "requests_total"
    labels = {"operation": "GetObject", "group": "objects"}
    assert value(text, requests, **labels, status_class="2xx") == 1
    assert value(text, requests, **labels, status_class="4xx") == 1
    put = {"operation": "PutBucketInventoryConfiguration", "group": "inventory"}
    assert value(text, requests, **put, status_class="2xx") == 1
    assert value(text, requests, **put, status_class="4xx") == 1
    assert value(text, "decisions_total", verdict="deny") == 1
    assert value(text, "findings_total", rule="INV001", mode="deny") == 1
    for stage, least in {
        "verification": 5,
        "facts": 2,
        "policy": 2,
        "journal": 2,
        "upstream": 4,
    }.items():
        assert value(text, "stage_duration_seconds_count", stage=stage) >= least
        assert value(text, "stage_duration_seconds_sum", stage=stage) > 0
    assert value(text, "bytes_total", direction="in") >= 1000 + len(document())
    assert value(text, "bytes_total", direction="out") > 1000
    assert value(text, "upstream_connections", pool="objects", state="idle") >= 1
    assert value(text, "streams_open") == 0
    assert value(text, "ready") == 1
    assert re.search(r'policy_info\{engine="wasm",revision="[0-9a-f]+', text)


def test_no_name_of_a_client_is_among_them(busy: Site) -> None:
    """Label sets are bounded; buckets, keys, principals and ids are not."""
    text = scraped(busy)
    assert not re.search("acme|key|ana|inv-1|GWCLIENT", re.sub("(?m)^# HELP.*$", "", text))


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4"])
def test_promtool_accepts_them(busy: Site, accept: str) -> None:
    """Names, types, help texts: the checker's own conventions."""
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("CI") != "true", "promtool is missing: make tools"
        pytest.skip("promtool is missing: make tools")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=scraped(busy, accept),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
