"""Fail closed, provably: bundles that were really changed, behind a real gate."""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.app.self_test import SelfTestError, self_test
from gateway.core.errors import PolicyUnavailable
from gateway.core.ports import Outcome
from tests.support.fake_exchange import FakeExchange
from tests.support.site import Site
from tests.support.stage import CONFIGURATION, Stage

#: What breaks INV001, which ships as a rule that refuses.
PLAIN = CONFIGURATION.replace(b"<Encryption><SSE-S3/></Encryption>", b"")
MAIN = "inventory/main/main.rego"
SECONDS = 60.0  # a machine under load is slow, and that is no fault


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did to the sources before they were built.

    Args:
        apply: it, to the folder.
        status: of the answer to a PUT that the unchanged policy would refuse.
        reason: in the record; empty where the record has the finding.
        starts: whether a gateway starts with it at all.
        sound: of the answer to a PUT that the unchanged policy would allow.
    """

    apply: Callable[[Path], object]
    status: int
    reason: str
    starts: bool = False
    sound: int = 503


def rewritten(name: str, pattern: str, replacement: str) -> Callable[[Path], object]:
    """One place of a source, changed; a pattern that is not found there is an error."""

    def apply(sources: Path) -> None:
        text = (sources / name).read_text()
        changed, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count == 1, name
        (sources / name).write_text(changed)

    return apply


CHANGES: Mapping[str, Change] = {
    "a-rule-file-is-deleted": Change(
        lambda sources: (sources / "inventory/rules/encryption/report_encrypted.rego").unlink(),
        503,
        "engine_incomplete",
    ),
    "another-rule-file-is-deleted": Change(
        lambda sources: (sources / "inventory/rules/report/prefix_slashes.rego").unlink(),
        503,
        "engine_incomplete",
    ),
    "the-settings-are-empty": Change(
        lambda sources: (sources / "org/data.yaml").write_text("{}\n"), 503, "engine_not_ready"
    ),
    "the-settings-are-gone": Change(
        lambda sources: (sources / "org/data.yaml").unlink(), 503, "engine_not_ready"
    ),
    "allow-is-true-beside-a-finding": Change(
        rewritten(MAIN, r'^\t"allow": allow,$', '\t"allow": true,'),
        503,
        "engine_contradiction",
        sound=204,
    ),
    "allow-is-true-and-findings-are-dropped": Change(
        rewritten(MAIN, r'^\t"violations": sort\(violations\),\n', ""), 503, "engine_answer"
    ),
    "ready-is-dropped": Change(rewritten(MAIN, r'^\t"ready": ready,\n', ""), 503, "engine_answer"),
    "ready-is-not-shown": Change(
        rewritten(MAIN, r'^\t"ready": ready,$', '\t"ready": false,'), 503, "engine_not_ready"
    ),
    "the-mode-is-mistyped": Change(
        rewritten("inventory/catalog/INV001/data.yaml", "^mode: deny$", "mode: dney"),
        403,
        "",
        starts=True,
        sound=204,
    ),
    "the-mode-is-no-text": Change(
        rewritten("inventory/catalog/INV001/data.yaml", "^mode: deny$", "mode: false"),
        403,
        "",
        starts=True,
        sound=204,
    ),
    "the-decision-is-gone": Change(
        rewritten(
            MAIN, "^decision := {$", "decision := {x: y | x := 1; y := 2; false}\n\nother := {"
        ),
        503,
        "engine_answer",
    ),
}


@pytest.fixture(scope="module", params=CHANGES)
def change(request: pytest.FixtureRequest) -> Change:
    """Each change in turn."""
    return CHANGES[request.param]


@pytest.fixture(scope="module")
def changed(builder, opa, policies, change, tmp_path_factory) -> Iterator[WasmPolicyEngine]:
    """Build the bundle of the changed sources, and run it."""
    sources = shutil.copytree(policies, tmp_path_factory.mktemp("changed") / "policies")
    change.apply(sources)
    with running(PolicyBundle.read(builder.build(sources, OpaCommand(opa)))) as engine:
        yield engine


@contextmanager
def running(bundle: PolicyBundle, **options: Any) -> Iterator[WasmPolicyEngine]:
    """An engine, which belongs to no event loop."""
    engine = WasmPolicyEngine(bundle, threads=1, timeout=SECONDS, patience=SECONDS, **options)
    yield engine
    asyncio.run(engine.close())


async def gated(engine: WasmPolicyEngine, body: bytes) -> tuple[Stage, FakeExchange]:
    """A PUT through the gate, judged by this engine."""
    stage = Stage()
    stage.engine = engine  # type: ignore[assignment]
    return stage, await stage.put(body)


def test_the_gate_stays_shut(changed, change):
    """I15: a recorded no, whatever the module says; nothing reaches S3."""
    stage, exchange = asyncio.run(gated(changed, PLAIN))
    assert (exchange.status, stage.upstream.sent) == (change.status, [])
    assert (stage.journal.only.allow, stage.journal.only.error) == (False, change.reason)
    assert change.reason or "[INV001]" in exchange.error["Message"]
    assert stage.journal.outcome == Outcome("refused")


def test_what_is_sound_passes_only_where_the_answer_counts(changed, change):
    """Shut to everything where policy is broken; to what is found where it is not."""
    stage, exchange = asyncio.run(gated(changed, CONFIGURATION))
    assert (exchange.status, len(stage.upstream.sent)) == (change.sound, int(change.sound == 204))


def test_no_gateway_starts_with_what_is_broken(changed, change):
    """The test before the first request sees it; what is only mistyped refuses as it should."""
    if change.starts:
        asyncio.run(self_test(changed))
        return
    with pytest.raises((SelfTestError, PolicyUnavailable)):
        asyncio.run(self_test(changed))


def test_a_whole_gateway_does_not_start(builder, opa, policies, monkeypatch, tmp_path):
    """It says why, and listens to nobody."""
    sources = shutil.copytree(policies, tmp_path / "policies")
    CHANGES["a-rule-file-is-deleted"].apply(sources)
    bundle = PolicyBundle.read(builder.build(sources, OpaCommand(opa)))
    monkeypatch.setattr(PolicyBundle, "shipped", lambda: bundle)
    site = Site(tmp_path)
    with pytest.raises(PolicyUnavailable, match="engine_incomplete"):
        site.__enter__()
    site.__exit__(None, None, None)


def test_the_unchanged_policy_says_yes_and_no():
    """Else none of this would prove anything."""
    with running(PolicyBundle.shipped()) as engine:
        statuses = [asyncio.run(gated(engine, body))[1].status for body in (PLAIN, CONFIGURATION)]
        asyncio.run(self_test(engine))
    assert statuses == [403, 204]


def test_a_mode_that_settings_mistype_shuts_the_gate():
    """The loader refuses such a file; were it passed by, a violation stays one."""
    for mode in ("dney", "Warn", ["warn"]):
        org = {"revision": "r", "inventory": {"rules": {"INV001": {"mode": mode}}}}
        with running(PolicyBundle.shipped(), org=org) as engine:
            stage, exchange = asyncio.run(gated(engine, PLAIN))
        assert (exchange.status, stage.upstream.sent) == (403, [])
