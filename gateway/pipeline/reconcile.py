"""After a crash: ask S3 what became of the decisions that were left without an outcome."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from gateway.core.errors import GatewayError, JournalUnavailable
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.journal import JournalEntry, JournalFilter, JournalReader, Verdict
from gateway.core.policy.input import PUT_ACTION
from gateway.core.ports import (
    BucketFacts,
    Clock,
    EventLog,
    Journal,
    Outcome,
    Principal,
    Upstream,
    UpstreamCredentials,
    UpstreamRequest,
)
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import parse_query
from gateway.core.sigv4.outgoing import sign_request
from gateway.core.sigv4.payload import EMPTY_SHA256
from gateway.pipeline.answers import SmallAnswer, error_code, read_small_answer

_OK: Final = 200
_NOT_THERE: Final = 404
_NO_CONFIGURATION: Final = "NoSuchConfiguration"
_ALLOWED: Final = frozenset({Verdict.ALLOW, Verdict.WOULD_DENY})
_UNKNOWN: Final = Outcome("unknown")
#: Decisions about a bucket that are looked through; behind more than that nothing is certain.
_MOST_LATER: Final = 500


class Reconciler:
    """Gives abandoned decisions their outcome.

    Args:
        journal: takes the outcomes.
        facts: where a bucket is.
        upstream: S3.
        credentials: the gateway's own, per principal.
        endpoint: where S3 is.
        principal: by its name; None where it is no longer known.
        log: gets a copy of each decision with its outcome.
        clock: the wall clock, aware.
        reader: knows what was decided since.
        region: to sign for where the bucket's is not known.
        patience: seconds for one question.
    """

    def __init__(
        self,
        journal: Journal,
        facts: BucketFacts,
        upstream: Upstream,
        credentials: UpstreamCredentials,
        endpoint: Endpoint,
        principal: Callable[[str], Principal | None],
        log: EventLog,
        clock: Clock,
        *,
        reader: JournalReader,
        region: str,
        patience: float = 10.0,
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._facts = facts
        self._upstream = upstream
        self._credentials = credentials
        self._endpoint = endpoint
        self._principal = principal
        self._log = log
        self._clock = clock
        self._region = region
        self._patience = patience

    async def reconcile(self, abandoned: Sequence[JournalEntry]) -> None:
        """Mark each decision: one question to S3 for an allow, none for a no.

        Args:
            abandoned: decisions without outcome whose writer is gone, oldest first.
        """
        for entry in abandoned:
            record = entry.record
            outcome = await self._outcome(entry)
            try:
                await self._journal.conclude(record.decision_id, outcome)
            except JournalUnavailable as fault:
                self._log.fault(
                    "outcome not recorded", decision_id=record.decision_id, reason=fault.reason
                )
            self._log.decision(record, outcome)

    async def _outcome(self, entry: JournalEntry) -> Outcome:
        """What became of one decision, as far as S3 can tell."""
        if not entry.record.allow:
            return Outcome("refused")
        wanted = entry.record.document_sha256 if entry.record.action == PUT_ACTION else ""
        try:
            async with asyncio.timeout(self._patience):
                held = _held(await self._ask(entry))
                if held == wanted:
                    return Outcome("forwarded")
                if held is None or await self._was_overruled(entry):
                    return _UNKNOWN
        except (GatewayError, TimeoutError):
            return _UNKNOWN
        return Outcome("failed")

    async def _was_overruled(self, entry: JournalEntry) -> bool:
        """Whether S3 may hold what a later decision has put there, by this gateway or another.

        To be asked after S3: what it held then was on record before. Clients are served meanwhile,
        and whoever changes a configuration again must not have it said that nothing was done.
        """
        record = entry.record
        about = JournalFilter(bucket=record.bucket)
        later = await self._reader.tail(about, after=entry.position, limit=_MOST_LATER)
        return len(later) == _MOST_LATER or any(
            row.inventory_id == record.inventory_id and row.verdict in _ALLOWED for row in later
        )

    async def _ask(self, entry: JournalEntry) -> SmallAnswer | None:
        """GetBucketInventoryConfiguration, for the one who asked then; None: nobody may ask."""
        record = entry.record
        principal = self._principal(record.principal)
        if principal is None:
            return None
        fact = await self._facts.look_up(record.bucket, principal)
        region = self._endpoint.region_for(fact.region, self._region)
        signed = sign_request(
            "GET",
            self._endpoint,
            region,
            f"/{record.bucket}",
            parse_query(f"inventory&id={record.inventory_id}"),
            [],
            EMPTY_SHA256,
            credential=await self._credentials.for_principal(principal),
            now=self._clock(),
        )
        async with self._upstream.send(
            UpstreamRequest("GET", signed.url, signed.headers)
        ) as response:
            return await read_small_answer(response, "GET")


def _held(answer: SmallAnswer | None) -> str | None:
    """The hash of what S3 holds, written canonically; empty where it holds nothing.

    Returns:
        None where the answer does not say.

    Raises:
        RequestError: a configuration that the gateway would not have written.
    """
    if answer is None:
        return None
    if answer.status == _OK:
        return sha256(write_configuration(read_configuration(answer.body))).hexdigest()
    absent = answer.status == _NOT_THERE and error_code(answer.body) == _NO_CONFIGURATION
    return "" if absent else None
