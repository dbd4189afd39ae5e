"""Settings in force: taken up at once or not at all, in front of an emulator."""

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa_wasm import PolicyBundle, PolicyBundleError, WasmPolicyEngine
from gateway.adapters.org_settings_file import OrgSettingsError
from gateway.app import policy as module
from gateway.app import wiring
from gateway.app.policy import SettledPolicy
from gateway.app.self_test import SelfTestError
from gateway.app.settings import Settings
from gateway.core.errors import PolicyUnavailable
from tests.support import fake_time
from tests.support.connection import Response
from tests.support.fake_event_log import FakeEventLog
from tests.support.inventory import document
from tests.support.site import ANA, Mark, Site, wait_until
from tests.support.wire import message, signed

EMPTY = {"action": "s3:DeleteInventoryConfiguration"}
UNENCRYPTED = document(encryption="")
EXEMPTION = """
  exemptions:
    - {id: EX-7, rules: [INV001], buckets: ["acme-*"], principals: [ana], configuration_ids: ["*"],
       reason: until the migration, ticket: GOV-1, approved_by: governance, expires: %s}
"""


def org(revision: str, *lines: str) -> str:
    """Settings of this revision."""
    return "\n".join(("org:", f"  revision: {revision}", *(f"  {line}" for line in lines))) + "\n"


def mode(word: str) -> str:
    """Settings in which INV001 has this mode."""
    return org(word, f"inventory: {{rules: {{INV001: {{mode: {word}}}}}}}")


def write(path: Path, text: str) -> None:
    """Replace the file at once: half of it would be seen as a change of its own."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def put(site: Site, body: str = UNENCRYPTED) -> Response:
    """A PUT of a configuration by ana."""
    wire = message("PUT", "/acme-orders?inventory&id=inv-1", body.encode())
    return site.call(signed(wire, ANA))


def decisions(site: Site) -> list[dict[str, Any]]:
    """The decisions of the log."""
    return [line for line in site.lines(Mark(0, 0)) if line["event"] == "decision"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at often."""
    monkeypatch.setattr(wiring, "_POLL_SECONDS", 0.02)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The settings file, at first of the organisation that has changed nothing."""
    path = tmp_path / "policy.yaml"
    write(path, org("first"))
    return path


# --- through the whole gateway --------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_changed_settings_are_in_force_without_a_restart(tmp_path: Path, file: Path) -> None:
    """Refused, warned of, exempted, refused again; the revision is in every decision."""
    with Site(tmp_path, {"policy_settings": file}) as site:
        assert put(site).status == 403

        write(file, mode("warn"))
        wait_until(lambda: put(site).status == 204)
        assert put(site).header("x-inventory-gateway-warnings") == "INV001"

        write(file, mode("dryrun"))
        wait_until(lambda: put(site).header("x-inventory-gateway-warnings") is None)
        assert put(site).status == 204

        write(file, org("exempted") + EXEMPTION % "2100-01-01T00:00:00Z")
        wait_until(lambda: put(site).header("x-inventory-gateway-exemptions") == "EX-7")

        write(file, org("expired") + EXEMPTION % "2001-01-01T00:00:00Z")
        wait_until(lambda: put(site).status == 403)
        records = decisions(site)
    revisions = dict.fromkeys(
        record["bundles"]["org"]["revision"].partition("+")[0] for record in records
    )
    assert [*revisions] == ["first", "warn", "dryrun", "exempted", "expired"]
    used = [record for record in records if record["result"]["exempted"]]
    assert used[0]["result"]["exempted"][0]["exemption"]["ticket"] == "GOV-1"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("org: [", id="not-yaml"),
        pytest.param(org("bad", "inventory: {rules: {INV001: {mode: of}}}"), id="typo"),
        pytest.param(None, id="gone"),
    ],
)
def test_bad_settings_are_told_once_and_the_old_ones_stay(
    tmp_path: Path, file: Path, bad: str | None
) -> None:
    """A typo opens nothing and closes nothing; good ones are taken up afterwards."""
    write(file, mode("warn"))
    with Site(tmp_path, {"policy_settings": file}) as site:
        assert put(site).status == 204
        mark = site.mark()

        def told() -> list[dict[str, Any]]:
            return [line for line in site.lines(mark) if "not reloaded" in line["event"]]

        if bad is None:
            file.unlink()
        else:
            write(file, bad)
        wait_until(lambda: bool(told()))
        time.sleep(0.1)
        assert [line["in_force"].partition("+")[0] for line in told()] == ["warn"]
        assert "policy.yaml" in told()[0]["detail"]
        assert put(site).status == 204
        write(file, mode("deny"))
        wait_until(lambda: put(site).status == 403)


def test_in_observe_mode_nothing_is_refused_and_all_is_recorded(tmp_path: Path, file: Path) -> None:
    """What would have been refused is in the answer, the record and the access event; S3 has it."""
    write(file, org("r", "enforcement: observe"))
    with Site(tmp_path, {"policy_settings": file}) as site:
        mark = site.mark()
        answer = put(site, document(encryption="", account=None))
        assert answer.status == 204
        assert answer.header("x-inventory-gateway-would-refuse") == "INV001; INV010"
        assert site.emulator.buckets["acme-orders"].inventories.keys() == {"inv-1"}
        (event,) = site.events(mark, 1)
        (record,) = decisions(site)
        assert event["would_refuse"] is True
        assert (record["result"]["allow"], record["result"]["would_refuse"]) == (True, True)
        found = [finding["rule"] for finding in record["result"]["violations"]]
        assert found == ["INV001", "INV010"]
        # The document is still read strictly, and the principal confined.
        assert put(site, "<InventoryConfiguration/>").status == 400
        assert put(site, document(bucket="arn:aws:s3:::foreign")).status == 403


def test_bad_settings_are_no_reason_to_start_without(tmp_path: Path, file: Path) -> None:
    """A gateway that is told of settings does not run on others."""
    write(file, org("r", "enforcment: enforce"))
    with pytest.raises(OrgSettingsError, match=r"policy.yaml:3: .*did you mean enforcement\?"):
        Site(tmp_path, {"policy_settings": file}).__enter__()


# --- the swap -------------------------------------------------------------------------------------


def options(file: Path | None) -> Settings:
    """Patient with a machine under load."""
    return Settings(policy_settings=file, policy_timeout_seconds=5)


async def opened(file: Path | None, log: FakeEventLog | None = None) -> SettledPolicy:
    """A policy under the settings of a file, at the tests' time."""
    return await SettledPolicy.open(options(file), fake_time.clock, log or FakeEventLog())


async def test_without_a_file_the_shipped_settings_hold() -> None:
    """And nothing is looked at."""
    log = FakeEventLog()
    policy = await opened(None, log)
    answer: Any = (await policy.evaluate(EMPTY)).value
    await policy.refresh()
    assert answer["policy_revision"] == "default"
    assert (policy.settings_revision, policy.problem, policy.name) == ("", "", "wasm")
    assert policy.revision
    assert log.faults == []
    await policy.close()


async def test_a_decision_under_way_ends_on_the_engine_it_began_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old engine ends after it; the new one answers what comes after the swap."""
    policy = await opened(file)
    old = policy._engine
    began, go_on = threading.Event(), threading.Event()
    evaluate = old._policy.evaluate

    def slow(question: bytes) -> Any:
        began.set()
        assert go_on.wait(10)
        return evaluate(question)

    monkeypatch.setattr(old._policy, "evaluate", slow)
    under_way = asyncio.ensure_future(policy.evaluate(EMPTY))
    await asyncio.to_thread(began.wait, 10)
    write(file, org("second"))
    await policy.refresh()
    assert policy._engine is old  # it may be half a file
    swapping = asyncio.ensure_future(policy.refresh())
    await asyncio.to_thread(wait_until, lambda: policy._engine is not old)
    after: Any = await policy.evaluate(EMPTY)
    assert not swapping.done()
    go_on.set()
    before: Any = await under_way
    await swapping
    revisions = [answer.value["policy_revision"].partition("+")[0] for answer in (before, after)]
    assert revisions == ["first", "second"]
    await policy.close()


@pytest.mark.parametrize(
    ("path", "place"),
    [(Path("/etc/gateway/own.tar.gz"), "/etc/gateway/own.tar.gz"), (None, "the bundle that ships")],
    ids=["the organisation's", "shipped"],
)
async def test_a_bundle_that_makes_no_engine_is_named(
    monkeypatch: pytest.MonkeyPatch, path: Path | None, place: str
) -> None:
    """Its module is compiled when it has been read already: the file is said here."""
    broken = PolicyBundle(b"no module", PolicyBundle.shipped().data, "r")
    monkeypatch.setattr(module, "_bundle", {path: broken}.__getitem__)
    with pytest.raises(PolicyBundleError, match=f"^{place}: .*module"):
        await SettledPolicy.open(Settings(policy_bundle=path), fake_time.clock, FakeEventLog())


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[WasmPolicyEngine]:
    """The engines that were closed."""
    close, found = WasmPolicyEngine.close, []

    async def noted(engine: WasmPolicyEngine) -> None:
        found.append(engine)
        await close(engine)

    monkeypatch.setattr(WasmPolicyEngine, "close", noted)
    return found


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(SelfTestError("policy allows an empty question"), id="self-test"),
        pytest.param(PolicyUnavailable("engine_timeout", detail="slow"), id="no-answer"),
    ],
)
async def test_an_engine_that_fails_its_test_is_not_taken(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    closed: list[WasmPolicyEngine],
    fault: Exception,
) -> None:
    """It is closed; the problem is told until the settings are good again."""
    log = FakeEventLog()
    policy = await opened(file, log)
    engine = policy._engine
    closed.clear()

    async def fails(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(module, "settings_test", fails)
        write(file, org("second"))
        await policy.refresh(anyway=True)
    assert policy._engine is engine
    assert len(closed) == 1
    assert policy.problem
    assert policy.settings_revision.startswith("first+")
    assert log.faults[-1]["message"] == "policy settings were not reloaded"
    write(file, org("third"))
    await policy.refresh(anyway=True)
    assert (policy.problem, policy.settings_revision[:6]) == ("", "third+")
    assert closed[1:] == [engine]
    await policy.close()


async def test_no_engine_is_left_of_a_failed_start(
    file: Path, monkeypatch: pytest.MonkeyPatch, closed: list[WasmPolicyEngine]
) -> None:
    """Neither the one that ships nor the one under settings."""

    async def fails(*_: object) -> None:
        raise SelfTestError("no")

    monkeypatch.setattr(module, "settings_test", fails)
    with pytest.raises(SelfTestError):
        await opened(file)
    assert len(set(map(id, closed))) == 2


# --- exemptions that end --------------------------------------------------------------------------


async def test_exemptions_that_end_are_named_after_a_load_and_every_day(file: Path) -> None:
    """Fourteen days before; those that have ended, too."""
    now = [fake_time.NOW]
    entries = {
        "RUNS": timedelta(days=15),
        "ENDS": timedelta(days=14),
        "ENDED": timedelta(0),
    }

    def entry(name: str, left: timedelta) -> str:
        text = EXEMPTION % f"{fake_time.NOW + left:%Y-%m-%dT%H:%M:%SZ}"
        return text.replace("EX-7", name).partition("exemptions:\n")[2]

    write(file, org("r") + "  exemptions:\n" + "".join(entry(*item) for item in entries.items()))
    log = FakeEventLog()
    policy = await SettledPolicy.open(options(file), lambda: now[0], log)

    async def named() -> list[tuple[object, object]]:
        log.faults.clear()
        await policy.refresh()
        return [(fault["message"], fault["exemption"]) for fault in log.faults]

    soon, ended = ("an exemption is expiring", "ENDS"), ("an exemption is expired", "ENDED")
    assert await named() == [soon, ended]
    now[0] += timedelta(hours=23)
    assert await named() == []
    now[0] += timedelta(hours=1)
    assert await named() == [("an exemption is expiring", "RUNS"), soon, ended]
    await policy.close()
