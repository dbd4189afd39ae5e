"""The pages: an address in, HTML out."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from gateway.admin.answer import CONTENT_SECURITY_POLICY
from gateway.admin.difference import difference
from gateway.admin.ports import Attempt, Trial
from gateway.admin.record import findings_of
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import Verdict
from gateway.core.ports import Outcome
from tests.support.admin_page import EXEMPTION, RULES, FakePolicy, application, pages
from tests.support.decisions import (
    CONFIGURATION,
    DOCUMENT,
    FINDING,
    NOW,
    FakeReader,
    entry,
    question,
    refusal,
    removal,
    result,
)
from tests.support.hostile import HOSTILE

PATHS = ("/", "/decisions", "/rules", "/playground")
FORM = {"document": "{}", "bucket": "acme-orders", "principal": "ana", "look_up": "1"}


@pytest.fixture
def reader() -> FakeReader:
    """An allowed PUT, a refused one and a removal."""
    return FakeReader([entry(1), refusal(2), removal(3)])


@pytest.fixture
def policy() -> FakePolicy:
    """Two rules, one exemption."""
    return FakePolicy()


@pytest.fixture
async def client(aiohttp_client: Any, reader: FakeReader, policy: FakePolicy) -> TestClient:
    """A browser."""
    made: TestClient = await aiohttp_client(application(pages(reader, policy)))
    return made


async def shown(client: TestClient, path: str, status: int = 200) -> str:
    """The page at a path."""
    response = await client.get(path)
    text = await response.text()
    assert response.status == status, text
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    return text


def words(page: str) -> str:
    """What people read of a page."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", page.partition("<main")[2]).split()))


@pytest.mark.parametrize("path", PATHS)
async def test_pages_are_there_and_say_where_one_is(client: TestClient, path: str) -> None:
    """In the navigation, which names every page."""
    page = await shown(client, path)
    assert re.findall(r'<a href="([^"]*)" aria-current="page"', page) == [path]
    assert "gateway-1" in page


@pytest.mark.parametrize("path", PATHS)
async def test_until_the_gateway_runs_pages_say_so(aiohttp_client: Any, path: str) -> None:
    """The listener is there before the rest."""
    client = await aiohttp_client(application(pages(None, FakePolicy())))
    assert "is starting" in await shown(client, path, 503)


@pytest.mark.parametrize("path", ["/", "/decisions", "/decisions/1", "/rules"])
async def test_without_the_journal_pages_say_so(
    client: TestClient, reader: FakeReader, path: str
) -> None:
    """And why."""
    reader.fault = JournalUnavailable("journal_read", detail="disk I/O error")
    assert "journal_read disk I/O error" in await shown(client, path, 503)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/decisions", "/decisions/1", "/rules", "/static/page.js"])
async def test_pages_are_read_only(client: TestClient, method: str, path: str) -> None:
    """Nothing but the playground takes anything."""
    assert (await client.request(method, path)).status == 405


async def test_files_of_the_page_are_served(client: TestClient) -> None:
    """By name alone."""
    assert (await client.get("/static/page.css")).status == 200
    assert (await client.get("/static/..%2fpages.py")).status == 404


class TestOverview:
    """What happened, at a glance."""

    async def test_totals_and_rankings_are_shown(self, client: TestClient) -> None:
        """As figures and as charts with the same figures in a table."""
        page = await shown(client, "/")
        text = words(page)
        assert "2 allowed 0 would be refused 1 refused 0 not decided 0 without outcome" in text
        assert "INV001" in text
        assert "allowed 2, would be refused 0, refused 1" in page
        assert "Nov 21, 15:00" in text

    async def test_latencies_are_shown_by_stage(self, client: TestClient) -> None:
        """The middle, and the slow end."""
        assert "facts 1.2 ms 1.2 ms" in words(await shown(client, "/"))

    async def test_exemptions_that_end_are_named(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """Before and after they do."""
        ended = replace(EXEMPTION, id="EX-8", expires=NOW)
        policy.tell(exemptions=(EXEMPTION, ended))
        text = words(await shown(client, "/"))
        assert "Exemption EX-7 (INV001; GOV-1289 ) ends 2026-11-24 15:30:00Z ." in text
        assert "Exemption EX-8 (INV001; GOV-1289 ) ended 2026-11-21 15:30:00Z ." in text

    @pytest.mark.parametrize("path", ["/", "/rules"])
    async def test_what_is_not_as_it_should_be_is_said(
        self, client: TestClient, policy: FakePolicy, path: str
    ) -> None:
        """That nothing is refused, and that the file's settings are not in force."""
        assert "Policy only observes" not in await shown(client, path)
        policy.tell(observes=True, problem="settings.yaml:3: there is no rule INV0O1")
        text = words(await shown(client, path))
        assert "Policy only observes." in text
        assert "settings.yaml:3: there is no rule INV0O1" in text

    @pytest.mark.parametrize("span", ["day", "week", "month", "century"])
    async def test_spans_can_be_chosen(self, client: TestClient, span: str) -> None:
        """One that is not offered is the first one."""
        page = await shown(client, f"/?span={span}")
        chosen = re.findall(r'span=(\w+)" aria-current="true"', page)
        assert chosen == ["day" if span == "century" else span]

    async def test_a_journal_without_decisions_is_no_fault(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """On the first day."""
        reader.entries.clear()
        text = words(await shown(client, "/"))
        assert "nothing was decided" in text
        assert "nothing was measured" in text


class TestDecisions:
    """The list."""

    async def test_the_newest_are_first(self, client: TestClient) -> None:
        """Each with its verdict, its rules and its outcome."""
        page = await shown(client, "/decisions")
        ids = re.findall(r'<tr id="decision-(\d+)-', page)
        assert ids == ["00000003", "00000002", "00000001"]
        text = words(page)
        assert "2026-11-21 15:29:00Z refused INV001 ana acme-orders daily refused" in text
        assert "daily removal forwarded 204" in text

    async def test_what_was_found_and_let_pass_is_shown(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """With why it did not refuse, so that it does not look like a refusal."""
        reader.entries = [
            entry(9, result=result(exempted=[FINDING], warnings=[{"rule": "INV033"}]))
        ]
        text = words(await shown(client, "/decisions"))
        assert "allowed INV001 exempted , INV033 warn ana" in text

    @pytest.mark.parametrize(
        ("outcome", "stands_out"),
        [
            pytest.param(Outcome("failed", 404), True, id="failed"),
            pytest.param(Outcome("unknown"), True, id="unknown"),
            pytest.param(Outcome("forwarded", 204), False, id="forwarded"),
            pytest.param(None, False, id="open"),
        ],
    )
    async def test_an_allowed_request_without_effect_stands_out(
        self, client: TestClient, reader: FakeReader, outcome: Outcome | None, *, stands_out: bool
    ) -> None:
        """Its verdict alone would say that all is well; what is open may be under way."""
        reader.entries = [entry(9, outcome=outcome)]
        assert stands_out == ("badge doubtful" in await shown(client, "/decisions"))

    async def test_pages_follow_each_other_without_gap(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """By position, with the filters kept; the last page names no further one."""
        reader.entries = [entry(number) for number in range(1, 102)]
        path, seen = "/decisions?principal=ana", []
        while path:
            page = await shown(client, path)
            seen += re.findall(r'<tr id="decision-(\w+)-', page)
            found = re.search(r'rel="next" href="([^"]*)"', page)
            path = found[1].replace("&amp;", "&") if found else ""
        assert seen == [f"{number:08x}" for number in range(101, 0, -1)]

    async def test_filters_are_kept_in_the_form(self, client: TestClient) -> None:
        """And hold."""
        page = await shown(client, "/decisions?verdict=deny&bucket=acme-orders&rule=INV001")
        assert re.findall(r'<tr id="decision-(\d+)-', page) == ["00000002"]
        assert '<option value="deny" selected>' in page
        assert 'name="rule" value="INV001"' in page

    async def test_the_first_page_alone_is_live(self, client: TestClient) -> None:
        """From where the journal ends; what is older or bounded does not change."""
        assert 'data-after="3"' in await shown(client, "/decisions?verdict=would_deny")
        assert "data-live" not in await shown(client, "/decisions?before=3")
        assert "data-live" not in await shown(client, "/decisions?until=2026-11-21T00:00")

    async def test_nothing_found_is_said(self, client: TestClient, reader: FakeReader) -> None:
        """By filters, or at all."""
        assert "No decision fits" in await shown(client, "/decisions?bucket=other")
        reader.entries.clear()
        assert "Nothing has been decided yet" in await shown(client, "/decisions")

    async def test_an_address_that_cannot_be_meant_is_told(self, client: TestClient) -> None:
        """With the member's name."""
        assert "verdict is none of" in words(await shown(client, "/decisions?verdict=x", 400))


class TestDecision:
    """One decision."""

    async def test_all_of_it_is_shown(self, client: TestClient) -> None:
        """Verdict in plain words, findings, facts with age, timings, outcome, document."""
        text = words(await shown(client, "/decisions/00000002"))
        assert "The configuration breaks rules, so it is refused. Nothing was sent to S3." in text
        assert "INV001 refuses severity high The inventory report must be encrypted" in text
        assert "value not there allowed SSE-KMS , SSE-S3 remedy Set Encryption" in text
        assert "facts 12 s old" in text
        assert "facts 1.2 ms" in text
        assert "<Id>daily</Id>" in text

    async def test_an_open_decision_says_so(self, client: TestClient, reader: FakeReader) -> None:
        """A crash leaves such."""
        reader.entries.append(entry(9, outcome=None))
        assert "crash has cut it short" in await shown(client, "/decisions/00000009")

    async def test_a_yes_without_effect_is_a_notice_of_its_own(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """And no document is said to have been sent that S3 did not take."""
        reader.entries.append(entry(9, outcome=Outcome("failed", 503)))
        failed = await shown(client, "/decisions/00000009")
        assert '<p class="notice would_deny"><strong>It did not take effect.' in failed
        for page in (failed, await shown(client, "/decisions/00000002")):
            assert "The document that was judged</h2>" in page
        forwarded = await shown(client, "/decisions/00000001")
        assert "The document that was judged, and sent to S3</h2>" in forwarded
        assert '<p class="notice' not in forwarded

    async def test_what_policy_changed_is_told_with_the_verdict(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """Who reads no further knows that S3 holds something else than the client wrote."""
        patch = [{"rule": "INV001", "path": "/Destination/S3BucketDestination/Encryption"}]
        reader.entries.append(entry(9, result=result(mutations=patch, original={})))
        top = words((await shown(client, "/decisions/00000009")).partition("Findings")[0])
        assert "Policy changed Destination.S3BucketDestination.Encryption ( INV001 )" in top

    async def test_what_policy_filled_in_is_shown(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """As a difference, with marks beside the colours."""
        patch = [{"rule": "INV001", "path": "/Destination/S3BucketDestination/Encryption"}]
        original = {"configuration": CONFIGURATION | {"Id": "other"}, "body_sha256": "00"}
        reader.entries.append(entry(9, result=result(mutations=patch, original=original)))
        page = await shown(client, "/decisions/00000009")
        assert "The client's own document is not on record" in words(page)
        assert '<span class="removed">-   &#34;Id&#34;: &#34;other&#34;' in page
        assert '<span class="added">+   &#34;Id&#34;: &#34;daily&#34;' in page

    async def test_what_the_client_wrote_is_shown_beside_what_was_judged(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """As a difference of meaning, and as it came."""
        received = DOCUMENT.replace(b"<Id>", b"\n <X/><Id>")
        patch = [{"rule": "INV001", "path": "/Destination/S3BucketDestination/Encryption"}]
        mutated = result(mutations=patch, original={"configuration": {}, "body_sha256": "00"})
        reader.entries.append(entry(9, received=received, result=mutated))
        page = await shown(client, "/decisions/00000009")
        assert '<span class="removed">-   &lt;X&gt;&lt;/X&gt;</span>' in page
        assert "Policy has filled in what the client left out." in page
        assert "<code><bdi>Destination.S3BucketDestination.Encryption</bdi></code>" in page
        assert f"as it came, {len(received)} bytes" in page
        assert "not on record" not in page
        assert "xmlns=&#34;x&#34;&gt;\n &lt;X/&gt;&lt;Id&gt;daily" in page
        assert "&#34;Id&#34;: &#34;other&#34;" not in page

    async def test_what_observing_policy_would_fill_in_is_named(
        self, client: TestClient, reader: FakeReader
    ) -> None:
        """Nothing was changed, so there is no difference."""
        patch = [{"rule": "INV001", "path": "/Destination/S3BucketDestination/Encryption"}]
        reader.entries.append(entry(9, result=result(would_mutate=patch)))
        text = words(await shown(client, "/decisions/00000009"))
        assert "would have changed Destination.S3BucketDestination.Encryption ( INV001 )" in text

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            pytest.param("/decisions/none", "No such decision", id="unknown"),
            pytest.param("/decisions/0000000", "Which decision?", id="ambiguous"),
            pytest.param("/decisions/" + "0" * 129, "No such decision", id="long"),
            pytest.param("/decisions/%3Cscript%3E", "No such decision", id="markup"),
        ],
    )
    async def test_an_id_that_names_none_is_told(
        self, client: TestClient, path: str, said: str
    ) -> None:
        """With 404."""
        assert said in await shown(client, path, 404)

    async def test_nothing_is_asked_again_by_itself(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """To look at a decision costs no evaluation."""
        assert "?replay=1#replay" in await shown(client, "/decisions/00000002")
        assert policy.replays == []

    async def test_a_replay_shows_the_difference(
        self, client: TestClient, reader: FakeReader, policy: FakePolicy
    ) -> None:
        """What is found now and was not then, and the other way round."""
        other = FINDING | {"rule": "INV015"}
        found = findings_of(result(violations=[other]), question())
        policy.trial = Trial(Verdict.DENY, findings=found, revision="2026-11-21.9")
        text = words(await shown(client, "/decisions/00000002?replay=1"))
        assert "refused the same verdict as then." in text
        assert "settings then 2026-11-20.1 settings now 2026-11-21.9" in text
        now, _, then = text.partition("Found now, not then")[2].partition("Found then, not now")
        assert "INV015" in now
        assert "INV001" not in now
        assert "INV001" in then.partition("The recorded question")[0]
        assert policy.replays == [reader.entries[1].record.input]

    async def test_a_replay_with_another_verdict_names_both(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """First what it would be now."""
        policy.trial = Trial(Verdict.ALLOW)
        text = words(await shown(client, "/decisions/00000002?replay=1"))
        assert "allowed then it was refused ." in text

    async def test_a_replay_without_change_says_so(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """The findings are the same."""
        policy.trial = Trial(Verdict.ALLOW)
        text = words(await shown(client, "/decisions/00000001?replay=1"))
        assert "the same verdict as then. " in text
        assert "The findings are the same." in text


class TestRules:
    """The catalogue."""

    async def test_rules_are_shown_with_mode_parameters_and_hits(self, client: TestClient) -> None:
        """By topic; what is set is told apart from what is the default."""
        text = words(await shown(client, "/rules"))
        assert "INV001 The report is encrypted" in text
        assert 'minimum "SSE-S3" (default)' in text
        assert "high deny 1 deny" in text
        assert "low warn none" in text

    async def test_exemptions_are_shown_with_their_state(self, client: TestClient) -> None:
        """Who let what pass, until when."""
        text = words(await shown(client, "/rules"))
        assert "GOV-1289 s3-governance 2026-11-24 15:30:00Z expiring" in text

    async def test_modes_that_only_the_engine_knows_are_left_to_it(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """An OPA server has its own settings."""
        policy.tell(rules=(replace(RULES[0], mode=""),), exemptions=())
        text = words(await shown(client, "/rules"))
        assert "the engine's" in text
        assert "Exemptions None." in text


class TestPlayground:
    """Something to try out."""

    async def test_there_is_something_to_begin_with(self, client: TestClient) -> None:
        """A configuration, and the principals by name."""
        page = await shown(client, "/playground")
        assert "&#34;IsEnabled&#34;: true" in page
        assert re.findall(r'<option value="(\w+)"', page) == ["ana", "tom"]

    async def test_what_is_tried_is_judged(self, client: TestClient, policy: FakePolicy) -> None:
        """And stays in the form."""
        found = findings_of(result(violations=[FINDING]), question())
        policy.trial = Trial(
            Verdict.DENY,
            findings=found,
            corrected="{ }",
            changes=difference("{}", "{ }"),
            still=("INV015",),
        )
        response = await client.post("/playground", data=FORM)
        page = await response.text()
        text = words(page)
        assert "refused The configuration breaks rules, so it is refused." in text
        assert "INV001 refuses" in text
        assert "It would still be refused by INV015." in text
        assert '<pre id="corrected"' in page
        assert policy.attempts == [
            Attempt(document="{}", bucket="acme-orders", principal="ana", owner_verified=False)
        ]
        assert 'value="acme-orders"' in page

    async def test_what_cannot_be_asked_is_told(
        self, client: TestClient, policy: FakePolicy
    ) -> None:
        """In the reader's own words."""
        policy.trial = Trial(None, "line 3: not JSON")
        page = await (await client.post("/playground", data=FORM)).text()
        assert "No question could be put to policy. line 3: not JSON" in words(page)

    @pytest.mark.parametrize(
        "headers",
        [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
        ids=["fetch metadata", "origin", "sandbox"],
    )
    async def test_other_pages_cannot_post(
        self, client: TestClient, policy: FakePolicy, headers: Mapping[str, str]
    ) -> None:
        """A visitor's browser is not to work for somebody else."""
        response = await client.post("/playground", data=FORM, headers=headers)
        assert response.status == 403
        assert policy.attempts == []

    async def test_browsers_may_name_the_origin_of_the_form(self, client: TestClient) -> None:
        """Else they would post without, beyond loopback and without TLS."""
        response = await client.get("/playground")
        assert response.headers["Referrer-Policy"] == "same-origin"

    async def test_what_is_no_form_is_told(self, client: TestClient) -> None:
        """With 400."""
        response = await client.post("/playground", json={})
        assert response.status == 400
        assert "its own form only" in await response.text()

    async def test_there_is_one_turn_at_a_time(
        self, client: TestClient, policy: FakePolicy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Decisions of real requests need the engine; a few may wait, others are told to."""
        release, under_way, most = asyncio.Event(), 0, 0

        async def slow(_: object) -> Trial:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await release.wait()
            under_way -= 1
            return Trial(Verdict.ALLOW)

        monkeypatch.setattr(policy, "attempt", slow)
        monkeypatch.setattr(policy, "replay", slow)
        tried = [asyncio.ensure_future(client.post("/playground", data=FORM)) for _ in range(8)]
        for _ in range(2000):
            await asyncio.sleep(0.001)
            if not under_way:
                continue
            async with asyncio.timeout(30):
                response = await client.get("/decisions/00000001?replay=1")
            if response.status == 503:
                break
        else:
            pytest.fail("nobody was told to wait")
        release.set()
        assert [(await it).status for it in tried] == [200] * 8
        assert most == 1


class TestStrangers:
    """What strangers wrote is text, on every page."""

    @pytest.mark.parametrize("length", [1, 64], ids=["short", "8 KiB"])
    async def test_hostile_text_is_shown_as_text(
        self, client: TestClient, reader: FakeReader, policy: FakePolicy, length: int
    ) -> None:
        """In every field of a record, and in every fact and finding."""
        text = HOSTILE * length
        finding = dict.fromkeys(FINDING, text) | {"allowed": [text]}
        fields = "request_id principal bucket inventory_id revision document_sha256"
        record: dict[str, Any] = dict.fromkeys(fields.split(), text)
        record["input"] = question(
            request={"source_ip": text, "user_agent": text},
            principal={"access_key_id": text, "method": text},
            source={"bucket": text, "region": text, text: text},
            configuration={text: text},
        )
        record["result"] = result(
            violations=[finding],
            mutations=[finding],
            original={"configuration": {text: 1}, "body_sha256": text},
        )
        record["document"] = text.encode()
        record["received"] = f"{text}\n{text}".encode()
        reader.entries = [entry(1, outcome=Outcome(text, 200, text, {text: 1}), **record)]
        policy.tell(
            rules=tuple(
                replace(rule, title=text, why=text, message=text, remedy=text) for rule in RULES
            ),
            exemptions=(replace(EXEMPTION, id=text, reason=text, ticket=text, buckets=(text,)),),
            problem=text,
            revision=text,
        )
        policy.trial = Trial(
            Verdict.DENY,
            text,
            findings_of(record["result"], record["input"]),
            text,
            text,
            difference(text, "x"),
            (text,),
            (text,),
        )
        answers = [
            await client.get(path)
            for path in ("/", "/decisions", "/decisions/00000001?replay=1", "/rules")
        ]
        answers.append(
            await client.post("/playground", data=FORM | {"document": text, "bucket": text})
        )
        for answer in answers:
            page = await answer.text()
            assert answer.status == 200
            assert "&lt;script&gt;" in page
            assert "<script>window" not in page
            assert "<img" not in page
            assert not set(page) & {"\x00", "\x1b", "\u202e"}
