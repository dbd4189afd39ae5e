"""The pages: an address in, HTML out. All are read-only; the playground has no effect either."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from aiohttp import web

from gateway.admin.answer import html, is_same_origin, static
from gateway.admin.counting import Counting
from gateway.admin.form import FormError, read_attempt
from gateway.admin.live import LiveFeed
from gateway.admin.overview import (
    LABELS,
    SERIES,
    SPANS,
    ending,
    hits,
    latencies,
    top_principals,
    top_rules,
)
from gateway.admin.ports import Attempt, Policy, Trial
from gateway.admin.query import OUTCOMES, DecisionQuery, QueryError, position
from gateway.admin.record import EXEMPTED, FindingView, decision_view, findings_of, sentence
from gateway.admin.templating import render
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import AmbiguousIdError, JournalReader, JournalRow
from gateway.core.ports import Clock, Stopwatch

_PAGE: Final = 50
#: Of the policy engine's threads the page takes one, and only so many wait for it.
_MOST_WAITING: Final = 8
_MAX_ID: Final = 128
_EXAMPLE: Final = """{
  "Id": "daily",
  "IsEnabled": true,
  "IncludedObjectVersions": "Current",
  "Schedule": {"Frequency": "Daily"},
  "Destination": {
    "S3BucketDestination": {
      "AccountId": "111122223333",
      "Bucket": "arn:aws:s3:::acme-inventory",
      "Format": "Parquet",
      "Encryption": {"SSES3": {}}
    }
  }
}
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _ProblemError(Exception):
    """A page that says what is the matter instead."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.title = title
        self.words = words


@dataclass(frozen=True, slots=True)
class _Behind:
    """What the pages are about, once the gateway runs."""

    reader: JournalReader
    policy: Policy


@dataclass(frozen=True, slots=True)
class _Site:
    """What the frame of every page shows."""

    name: str
    version: str
    path: str


class AdminPages:
    """The admin page, behind whatever guards the application that it is routed in.

    It is there before the rest of the gateway; what it shows is given to it by `serve`.

    Args:
        clock: the wall clock, aware.
        stopwatch: for how long counts are remembered.
        name: of this gateway.
        version: of the program.
        poll_seconds: between two looks of a live list into the journal.
    """

    def __init__(
        self,
        clock: Clock,
        stopwatch: Stopwatch,
        *,
        name: str,
        version: str,
        poll_seconds: float = 1.0,
    ) -> None:
        self._clock = clock
        self._name = name
        self._version = version
        self._live = LiveFeed(_row, poll_seconds=poll_seconds)
        self._counting = Counting(clock, stopwatch)
        self._behind: _Behind | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    def serve(self, reader: JournalReader, policy: Policy) -> None:
        """Show these from now on."""
        self._behind = _Behind(reader, policy)

    def stop(self) -> None:
        """End what would keep the gateway from ending."""
        self._live.stop()

    def route(self, application: web.Application) -> None:
        """Add the pages to an application."""
        router = application.router
        router.add_get("/", self._page(self._overview))
        router.add_get("/decisions", self._page(self._decisions))
        router.add_get("/decisions/events", self._page(self._events), allow_head=False)
        router.add_get("/decisions/{id}", self._page(self._decision))
        router.add_get("/rules", self._page(self._rules))
        router.add_get("/playground", self._page(self._playground))
        router.add_post("/playground", self._page(self._try))
        router.add_get("/static/{name}", self._static)

    def _page(self, handler: Handler) -> Handler:
        """A page, or another that says why it cannot be shown."""

        async def page(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except _ProblemError as problem:
                status, title, words = problem.status, problem.title, problem.words
            except QueryError as fault:
                status, title, words = 400, "This address cannot be meant", str(fault)
            except FormError as fault:
                status, title, words = 400, "This form cannot be taken", str(fault)
            except JournalUnavailable as fault:
                status, title = 503, "The journal cannot be read"
                words = f"{fault.reason} {fault.detail}"
            return await self._html(
                request, "problem", status, title=title, words=words, kind="error"
            )

        return page

    async def _overview(self, request: web.Request) -> web.Response:
        wanted = request.query.get("span", SPANS[0].name)
        span = next((item for item in SPANS if item.name == wanted), SPANS[0])
        behind = self._need()
        counted = await self._counting.of(span, behind.reader)
        policy = behind.policy.in_force()
        measured = latencies(counted.timings)
        return await self._html(
            request,
            "overview",
            spans=SPANS,
            span=span,
            since=counted.since,
            now=counted.now,
            counts=counted.counts,
            totals=counted.counts.verdicts,
            names=tuple((item.value, LABELS[item]) for item in SERIES),
            data=span.columns(counted.counts, counted.now),
            rules=top_rules(counted.counts),
            principals=top_principals(counted.counts),
            latencies=measured,
            measured=len(counted.timings),
            slowest=max((stage.tail for stage in measured), default=0),
            policy=policy,
            ending=ending(policy.exemptions, counted.now),
        )

    async def _decisions(self, request: web.Request) -> web.Response:
        query = DecisionQuery.read(request.query)
        reader = self._need().reader
        end = await _end(reader)
        # One more than is shown says whether there are older ones.
        found = await reader.page(query.wanted, before=query.before, limit=_PAGE + 1)
        rows = found[:_PAGE]
        paged = query.before is not None
        return await self._html(
            request,
            "decisions",
            rows=rows,
            given=query.given,
            link=query.link(),
            older=query.link(before=rows[-1].position) if len(found) > _PAGE else "",
            paged=paged,
            live=not paged and query.wanted.until is None,
            newest=max(end, rows[0].position) if rows else end,
            most=_PAGE,
            outcomes=OUTCOMES,
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):  # it could read nothing, but keep all streams to itself
            raise _ProblemError(403, "Not from here", "Another site's page asks for the stream.")
        query = DecisionQuery.read(request.query)
        # The header is what a browser that comes again has seen last.
        seen = [request.query.get("after", ""), request.headers.get("Last-Event-ID", "")]
        after = max(position("after", text) or 0 for text in seen)
        if self._live.is_full:
            # A client ends for good at a status that is not 200, as it should.
            raise _ProblemError(503, "Too many watch", "Reload the page later.")
        return await self._live.stream(request, self._need().reader, query.wanted, after)

    async def _decision(self, request: web.Request) -> web.Response:
        behind = self._need()
        wanted = request.match_info["id"]
        try:
            entry = await behind.reader.get(wanted) if len(wanted) <= _MAX_ID else None
        except AmbiguousIdError:
            raise _ProblemError(404, "Which decision?", f"Several begin with {wanted}.") from None
        if entry is None:
            raise _ProblemError(404, "No such decision", "It may have been pruned.")
        view = decision_view(entry)
        trial: Trial | None = None
        if "replay" in request.query:
            async with self._one_at_a_time():
                trial = await behind.policy.replay(entry.record.input)
        recorded = findings_of(entry.record.result, entry.record.input)
        return await self._html(
            request,
            "decision",
            view=view,
            trial=trial,
            revision=entry.record.revision,
            replayed=() if trial is None else _replayed(recorded, trial.findings),
        )

    async def _rules(self, request: web.Request) -> web.Response:
        behind = self._need()
        policy = behind.policy.in_force()
        counted = await self._counting.of(SPANS[-1], behind.reader)
        by_topic = sorted(policy.rules, key=lambda rule: rule.topic)
        return await self._html(
            request,
            "rules",
            policy=policy,
            now=self._clock(),
            hits=hits(counted.counts),
            topics=sorted(
                (
                    (topic, sorted(rules, key=lambda rule: rule.id))
                    for topic, rules in groupby(by_topic, key=lambda rule: rule.topic)
                ),
                key=lambda item: item[1][0].id,
            ),
        )

    async def _playground(self, request: web.Request) -> web.Response:
        principals = self._need().policy.principals()
        attempt = Attempt(document=_EXAMPLE, principal=next(iter(principals), ""))
        return await self._playground_page(request, attempt, None)

    async def _try(self, request: web.Request) -> web.Response:
        if not is_same_origin(request):
            words = "The form was not posted from the playground of this gateway."
            raise _ProblemError(403, "Not from here", words)
        behind = self._need()
        attempt = await read_attempt(request)
        async with self._one_at_a_time():
            trial = await behind.policy.attempt(attempt)
        return await self._playground_page(request, attempt, trial)

    async def _playground_page(
        self, request: web.Request, attempt: Attempt, trial: Trial | None
    ) -> web.Response:
        said = ""
        if trial is not None and trial.verdict is not None:
            exempted = any(item.kind == EXEMPTED for item in trial.findings)
            said = sentence(trial.verdict, trial.problem, removal=False, exempted=exempted)
        response = await self._html(
            request,
            "playground",
            attempt=attempt,
            trial=trial,
            sentence=said,
            principals=self._need().policy.principals(),
        )
        # With no-referrer a browser would name no origin in the form's POST; see `is_same_origin`.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    async def _static(self, request: web.Request) -> web.Response:
        return static(request.match_info["name"])

    async def _html(
        self, request: web.Request, template: str, status: int = 200, /, **values: object
    ) -> web.Response:
        path = request.path
        section = "/" if path == "/" else f"/{path.split('/')[1]}"
        site = _Site(self._name, self._version, section)
        # In a thread: a page takes longer than the loop should stand still for other requests.
        return html(await asyncio.to_thread(render, template, site=site, **values), status)

    def _need(self) -> _Behind:
        if self._behind is None:
            raise _ProblemError(503, "The gateway is starting", "Reload the page in a moment.")
        return self._behind

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """A turn at the policy engine; decisions of real requests have its other threads."""
        if self._waiting >= _MOST_WAITING:
            raise _ProblemError(503, "Too many try things out", "Try again in a moment.")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1


def _row(item: JournalRow) -> str:
    return render("row", item=item)


async def _end(reader: JournalReader) -> int:
    """Where the journal ends now: what comes later is live, whatever the filter lets through."""
    newest = await reader.page(limit=1)
    return newest[0].position if newest else 0


def _replayed(
    then: tuple[FindingView, ...], now: tuple[FindingView, ...]
) -> list[tuple[str, list[FindingView]]]:
    """What an answer of today has that the recorded one had not, and the other way round."""

    def keys(findings: tuple[FindingView, ...]) -> Mapping[tuple[str, str, str], FindingView]:
        return {(item.rule, item.path, item.kind): item for item in findings}

    old, new = keys(then), keys(now)
    found = [
        ("Found now, not then", [item for key, item in new.items() if key not in old]),
        ("Found then, not now", [item for key, item in old.items() if key not in new]),
    ]
    return [(title, items) for title, items in found if items]
