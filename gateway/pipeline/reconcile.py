"""After a crash: ask S3 what became of the decisions that were left without an outcome."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from gateway.core.errors import GatewayError, JournalUnavailable
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.journal import JournalEntry
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
_UNKNOWN: Final = Outcome("unknown")


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
        region: str,
        patience: float = 10.0,
    ) -> None:
        self._journal = journal
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
        newest = {(e.record.bucket, e.record.inventory_id): e for e in abandoned if e.record.allow}
        for entry in abandoned:
            record = entry.record
            last = newest.get((record.bucket, record.inventory_id)) is entry
            outcome = await self._outcome(entry, last=last)
            try:
                await self._journal.conclude(record.decision_id, outcome)
            except JournalUnavailable as fault:
                self._log.fault(
                    "outcome not recorded", decision_id=record.decision_id, reason=fault.reason
                )
            self._log.decision(record, outcome)

    async def _outcome(self, entry: JournalEntry, *, last: bool) -> Outcome:
        """What became of one decision, as far as S3 can tell.

        Args:
            entry: the decision.
            last: whether no later one of these is about the same configuration.
        """
        if not entry.record.allow:
            return Outcome("refused")
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._ask(entry)
                held = _held(answer)
        except (GatewayError, TimeoutError):
            return _UNKNOWN
        if held is None:
            return _UNKNOWN
        wanted = entry.record.document_sha256 if entry.record.action == PUT_ACTION else ""
        if held == wanted:
            return Outcome("forwarded")
        # What is there now may have come after it.
        return Outcome("failed") if last else _UNKNOWN

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
