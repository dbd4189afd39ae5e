"""The gated operations, top to bottom: read strictly, look up, ask, record, and only then act.

What was judged is what is sent: the document that goes to S3 is written from the model that policy
saw, and its hash is in the record. An allow that is not durable is no allow. Where policy fills in
what the client cannot say, the whole way is gone once more with that, and only then it counts.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from gateway.core.errors import (
    AccessDenied,
    BucketMoved,
    DependencyUnavailable,
    PolicyUnavailable,
    RequestError,
    UpstreamUnavailable,
    malformed_xml,
)
from gateway.core.inventory.configuration import (
    BucketArn,
    InventoryConfiguration,
    is_inventory_id,
    partition_of,
    read_bucket_arn,
)
from gateway.core.inventory.document import (
    MAX_DOCUMENT_BYTES,
    read_configuration,
    write_configuration,
)
from gateway.core.policy.decision import Allow, Deny, denial_message
from gateway.core.policy.input import (
    DELETE_ACTION,
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
    check_expected_owner,
    is_account_id,
    subject_of,
)
from gateway.core.policy.mutation import apply_mutations
from gateway.core.policy.response_headers import response_headers
from gateway.core.ports import (
    BucketFacts,
    Clock,
    DecisionRecord,
    Exchange,
    Outcome,
    Principal,
    Stopwatch,
    Upstream,
    UpstreamCredentials,
    UpstreamRequest,
)
from gateway.core.s3.address import Root
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.headers import forwarded_response_headers
from gateway.core.s3.integrity import Checksums, check_body
from gateway.core.s3.operations import PUT_INVENTORY, Operation
from gateway.core.s3.query import parse_query
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.claim import Claim
from gateway.core.sigv4.outgoing import sign_request
from gateway.core.sigv4.payload import EMPTY_SHA256
from gateway.pipeline.answers import fault_of, is_error, is_redirect, read_small_answer
from gateway.pipeline.authenticate import authorize_destination
from gateway.pipeline.elsewhere import find_elsewhere
from gateway.pipeline.judge import Case, Judge, Opinion, Original, Ruling
from gateway.pipeline.optional_facts import OptionalFacts
from gateway.pipeline.payload import check_whole_payload, read_small_body

DECISION_HEADER: Final = "x-inventory-gateway-decision-id"
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated, authorised call of a gated operation.

    Args:
        request: as it was read.
        operation: what it asks for.
        claim: that was verified.
        principal: whose it is.
        request_id: the gateway's own.
        metrics: durations so far, in nanoseconds, by OPA's `timer_*_ns` convention.
    """

    request: S3Request
    operation: Operation
    claim: Claim
    principal: Principal
    request_id: str
    metrics: Mapping[str, int] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        """The source bucket; classification lets no gated call pass without one."""
        assert not isinstance(self.request.path, Root)  # noqa: S101 - narrows the type
        return self.request.path.bucket

    @property
    def inventory_id(self) -> str:
        """The id in the query."""
        return self.request.query.one("id") or ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got, for the access event.

    Args:
        status: HTTP status.
        length: bytes of its body.
        decision_id: joins it to the record.
        upstream_request_id: S3's.
        would_refuse: whether only observing policy let it pass.
    """

    status: int
    length: int
    decision_id: str
    upstream_request_id: str
    would_refuse: bool = False


class Refusal(AccessDenied):
    """Policy's no, as the client reads it; `decision_id` joins it to the record."""

    def __init__(self, message: str, decision_id: str) -> None:
        super().__init__(message)
        self.decision_id = decision_id
        self.headers = {DECISION_HEADER: decision_id}


class Gate:
    """Judges inventory configurations and their removal.

    Args:
        facts: of source and destination buckets.
        judge: asks policy, keeps the record.
        upstream: S3.
        credentials: the gateway's own, per principal.
        endpoint: where S3 is.
        checksums: for `x-amz-checksum-*` promises.
        clock: the wall clock, aware.
        stopwatch: for durations in the record.
        optional_facts: those that the settings name.
        name: of this gateway, for the record.
    """

    def __init__(
        self,
        facts: BucketFacts,
        judge: Judge,
        upstream: Upstream,
        credentials: UpstreamCredentials,
        endpoint: Endpoint,
        checksums: Checksums,
        clock: Clock,
        stopwatch: Stopwatch,
        *,
        optional_facts: OptionalFacts,
        name: str,
    ) -> None:
        self._facts = facts
        self._optional_facts = optional_facts
        self._judge = judge
        self._upstream = upstream
        self._credentials = credentials
        self._endpoint = endpoint
        self._checksums = checksums
        self._clock = clock
        self._stopwatch = stopwatch
        self._name = name

    async def handle(self, call: Call, exchange: Exchange, held: bytes | None) -> Answer:
        """Judge one call, and perform it if policy allows.

        Args:
            call: authenticated and authorised.
            exchange: the client's side.
            held: the body, where it had to be read to verify the signature.

        Returns:
            What was answered: S3's own answer.

        Raises:
            Refusal: policy says no.
            GatewayError: the request is wrong, or a part of the gateway is not available.
        """
        if call.operation.name == PUT_INVENTORY:
            body = await self._body(call, exchange, held)
            configuration = _configuration(call, body)
        else:
            _check_id(call.inventory_id)
            body, configuration = b"", None
        case, region = await self._case(call, configuration, body, call.metrics)
        opinion = await self._judge.ask(case)
        if opinion.verdict.mutates and configuration is not None:
            case, region = await self._patched(call, configuration, opinion)
            opinion = await self._judge.ask(case)
        ruling = await self._judge.rule(opinion)
        decision = ruling.decision
        if isinstance(decision, Deny):
            await self._judge.conclude(ruling, Outcome("refused"))
            raise Refusal(denial_message(decision, call.inventory_id), decision.decision_id)
        return await self._perform(call, case.document, region, decision, ruling, exchange)

    async def _case(
        self,
        call: Call,
        configuration: InventoryConfiguration | None,
        received: bytes,
        before: Mapping[str, int],
        original: Original | None = None,
    ) -> tuple[Case, str]:
        """Authorise, look up, and put the question, on what the client wrote as on what is patched.

        Args:
            call: authenticated and authorised.
            configuration: that would be sent; None for a removal.
            received: the client's own document, as it came; empty for a removal.
            before: what was measured so far; of a first question, too.
            original: what the client wrote, where policy has changed it.

        Returns:
            The case, and the Region of the source bucket.

        Raises:
            DependencyUnavailable: facts are missing; recorded as a deny.
            GatewayError: the principal may not use the destination, or S3 would refuse.
        """
        arn, document = None, None
        if configuration is not None:
            arn = read_bucket_arn(configuration.destination.bucket_arn)
            authorize_destination(call.principal, arn.bucket)
            document = write_configuration(configuration)
        started = self._stopwatch()
        fault: DependencyUnavailable | None = None
        source = BucketFact(call.bucket)
        destination = None if arn is None else BucketFact(arn.bucket)
        try:
            source, destination = await self._look_up(call, configuration, arn)
        except DependencyUnavailable as error:
            fault = error
        question = self._question(call, configuration, source, destination)
        if fault is None:
            _check_buckets(source, arn)
            question = await self._look_further(call, question)
        took = self._since(started) + before.get("timer_facts_ns", 0)
        case = Case(question, document, {**before, "timer_facts_ns": took}, received, original)
        if fault is not None:
            await self._judge.refuse(case, fault)
            raise fault
        region = self._endpoint.region_for(source.region, call.claim.access_key.scope.region)
        return case, region

    async def _patched(
        self, call: Call, configuration: InventoryConfiguration, opinion: Opinion
    ) -> tuple[Case, str]:
        """The case anew, with what policy wants filled in: its facts may be others.

        Raises:
            PolicyUnavailable: a patch does not fit; recorded as a deny.
            GatewayError: as of any case.
        """
        mutations = opinion.verdict.mutations
        try:
            patched = apply_mutations(configuration, mutations)
        except PolicyUnavailable as fault:
            await self._judge.refuse(opinion.case, fault)
            raise
        received = opinion.case.received
        original = Original(configuration.as_boto3(), sha256(received).hexdigest(), mutations)
        timers = ("timer_facts_ns", "timer_policy_ns")
        before = {**call.metrics, **{name: opinion.metrics[name] for name in timers}}
        return await self._case(call, patched, received, before, original)

    async def _body(self, call: Call, exchange: Exchange, held: bytes | None) -> bytes:
        """Read the body, and hold it against what was promised of it."""
        request = call.request
        if request.header("content-encoding") not in {None, "identity"}:
            raise RequestError(
                "InvalidRequest", "An inventory configuration takes no Content-Encoding."
            )
        if request.content_length is None:
            raise RequestError(
                "MissingContentLength", "You must provide the Content-Length HTTP header."
            )
        if held is None:
            held = await read_small_body(exchange, MAX_DOCUMENT_BYTES, request.content_length)
        check_whole_payload(request, call.claim.payload, held)
        check_body(request, held, self._checksums)
        return held

    async def _look_up(
        self, call: Call, configuration: InventoryConfiguration | None, arn: BucketArn | None
    ) -> tuple[BucketFact, BucketFact | None]:
        """Facts of both buckets, looked up side by side."""
        if configuration is None or arn is None:
            return await self._facts.look_up(call.bucket, call.principal), None
        account = configuration.destination.account_id
        owner = account if account is not None and is_account_id(account) else ""
        known = self._facts.recall(call.bucket, call.principal)
        known_too = self._facts.recall(arn.bucket, call.principal, expected_owner=owner)
        if known is not None and known_too is not None:
            return known, known_too
        source, destination = await asyncio.gather(
            self._facts.look_up(call.bucket, call.principal),
            self._facts.look_up(arn.bucket, call.principal, expected_owner=owner),
        )
        return source, destination

    async def _look_further(self, call: Call, question: PolicyInput) -> PolicyInput:
        """Add the optional facts: what cannot be had is unknown, and no fault.

        Accounts that may own the source are those that the request itself speaks of.
        """
        if not self._optional_facts.wanted:
            return question
        source, destination = question.source, question.destination
        if self._optional_facts.need_source_account:
            guesses = [question.expected_bucket_owner, _account(call.principal.role_arn)]
            if destination is not None:
                guesses.append(destination.account)
            owner = await self._optional_facts.find_owner(
                call.bucket, call.principal, [guess for guess in guesses if guess]
            )
            source = replace(source, account=owner, owner_verified=bool(owner))
        subject = subject_of(source, destination, question.configuration, question.inventory_id)
        further = await self._optional_facts.look_up(subject, call.principal)
        return replace(question, source=source, further=further)

    def _question(
        self,
        call: Call,
        configuration: InventoryConfiguration | None,
        source: BucketFact,
        destination: BucketFact | None,
    ) -> PolicyInput:
        request = call.request
        return PolicyInput(
            action=DELETE_ACTION if configuration is None else PUT_ACTION,
            request_id=call.request_id,
            api=call.operation.name,
            method=request.method,
            region=call.claim.access_key.scope.region,
            source_ip=request.remote,
            user_agent=request.header("user-agent") or "",
            expected_bucket_owner=check_expected_owner(request.amz("x-amz-expected-bucket-owner")),
            requester=Requester(
                name=call.principal.name,
                mechanism=call.claim.mechanism,
                access_key_id=call.claim.access_key.access_key_id,
            ),
            source=source,
            environment=Environment(
                time_ns=int(self._clock().timestamp() * _NANOSECONDS), gateway=self._name
            ),
            inventory_id=call.inventory_id,
            configuration=configuration,
            destination=destination,
        )

    async def _perform(
        self,
        call: Call,
        document: bytes | None,
        region: str,
        decision: Allow,
        ruling: Ruling,
        exchange: Exchange,
    ) -> Answer:
        """Send the canonical request, once; answer; then add the outcome to the record.

        The decision was durable before S3 heard of it, so that the client need not wait for the
        outcome: a crash in between leaves it unknown, and S3 can be asked.

        A bucket that turns out to be in another Region is not followed there: the allow rests on
        facts that S3 has just called wrong, and in the other Region policy might have said no.
        The facts are put right and the client asks anew: another decision, on what is true.
        """
        record, outcome = ruling.record, Outcome("failed")
        timers: dict[str, int] = {}
        try:
            outgoing = await self._outgoing(call, document, region, record)
            outcome = Outcome("unknown")  # from here on S3 may have acted
            started = self._stopwatch()
            try:
                async with self._upstream.send(outgoing) as response:
                    answer = await read_small_answer(response, outgoing.method)
            finally:
                timers["timer_upstream_ns"] = self._since(started)
            status = answer.status
            upstream_id = dict(answer.headers).get("x-amz-request-id", "")
            acted = not is_error(status) and not is_redirect(status)
            outcome = Outcome("forwarded" if acted else "failed", status, upstream_id)
            if answer.doubts_region(outgoing.method):
                elsewhere = await find_elsewhere(
                    self._facts, self._endpoint, call.request.path, call.principal, region
                )
                if elsewhere is not None:
                    raise BucketMoved(elsewhere)
            fault = fault_of(status, answer.body)
            if fault is not None:
                raise fault
            headers = [*forwarded_response_headers(answer.headers)]
            headers.append((DECISION_HEADER, record.decision_id))
            headers += response_headers(decision)
            await exchange.answer(status, headers, answer.body)
        except UpstreamUnavailable as error:
            if not error.sent:
                outcome = Outcome("failed")
            raise
        finally:
            await self._judge.conclude(ruling, replace(outcome, metrics=timers))
        would_refuse = bool(decision.would_refuse)
        return Answer(status, len(answer.body), record.decision_id, upstream_id, would_refuse)

    async def _outgoing(
        self, call: Call, document: bytes | None, region: str, record: DecisionRecord
    ) -> UpstreamRequest:
        """The canonical request: nothing in it is copied but the expected owner."""
        credential = await self._credentials.for_principal(call.principal)
        headers = []
        owner = call.request.amz("x-amz-expected-bucket-owner")
        if owner is not None:
            headers.append(("x-amz-expected-bucket-owner", owner))
        if document is not None:
            headers += [
                ("content-type", "application/xml"),
                ("content-length", str(len(document))),
            ]
        signed = sign_request(
            call.request.method,
            self._endpoint,
            region,
            f"/{call.bucket}",
            parse_query(f"inventory&id={call.inventory_id}"),
            headers,
            record.document_sha256 or EMPTY_SHA256,
            credential=credential,
            now=self._clock(),
        )
        return UpstreamRequest(call.request.method, signed.url, signed.headers, document)

    def _since(self, started: float) -> int:
        return round((self._stopwatch() - started) * _NANOSECONDS)


def _configuration(call: Call, body: bytes) -> InventoryConfiguration:
    """Read the document, in S3's order of checks: after integrity its schema, then its id.

    Raises:
        RequestError: it is not one, or that of another id.
    """
    configuration = read_configuration(body)
    if configuration.id != call.inventory_id:
        _check_id(call.inventory_id)
        raise RequestError(
            "IdMismatch", "Document ID does not match the specified configuration ID."
        )
    return configuration


def _check_id(inventory_id: str) -> None:
    """The id in the query, by the rules of the id in the document.

    Raises:
        RequestError: MalformedXML, as S3 answers to a bad id.
    """
    if not is_inventory_id(inventory_id):
        raise malformed_xml("the id must be 1 to 64 of A-Z a-z 0-9 _ . -")


def _account(role_arn: str | None) -> str:
    """The account of a role, `arn:<partition>:iam::<account>:role/<name>`."""
    account = "".join((role_arn or "").split(":")[4:5])
    return account if is_account_id(account) else ""


def _check_buckets(source: BucketFact, arn: BucketArn | None) -> None:
    """What S3 would answer before it looks at the configuration.

    Raises:
        RequestError: NoSuchBucket; InvalidS3DestinationBucket for another partition's ARN.
    """
    if not source.exists:
        raise RequestError(
            "NoSuchBucket",
            "The specified bucket does not exist",
            members={"BucketName": source.bucket},
        )
    if arn is not None and source.region and arn.partition != partition_of(source.region):
        raise RequestError(
            "InvalidS3DestinationBucket",
            f"The destination's partition {arn.partition!r} is not that of the source bucket, "
            f"{partition_of(source.region)!r}.",
        )
