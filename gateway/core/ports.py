"""The outside world, as the pipeline sees it: one small Protocol per thing.

Adapters implement these; tests implement them with fakes (`tests/support/fakes.py`); contract
suites hold all implementations to the same behaviour.
"""

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from gateway.core.policy.catalog import Catalog
from gateway.core.policy.fact import Fact, Subject
from gateway.core.policy.input import BucketFact
from gateway.core.s3.operations import Group
from gateway.core.s3.request import Headers
from gateway.core.sigv4.credential import Credential

Clock = Callable[[], datetime]
#: Seconds of a clock that never goes back; for durations only.
Stopwatch = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity behind a verified access key id, and what it may touch.

    Args:
        name: of the human or workload; becomes RoleSessionName and SourceIdentity upstream.
        buckets: globs of bucket names.
        groups: operation groups.
        role_arn: the upstream role to assume; None for the gateway's own credentials.
        destinations: globs of the buckets that its inventories may report to; empty: `buckets`.
        unsigned_payload: whether it may send bodies that its signature does not cover.
    """

    name: str
    buckets: tuple[str, ...]
    groups: frozenset[Group]
    role_arn: str | None = None
    destinations: tuple[str, ...] = ()
    unsigned_payload: bool = True


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What the gateway knows of an access key id."""

    credential: Credential
    principal: Principal


class CredentialStore(Protocol):
    """The clients' keys."""

    def find(self, access_key_id: str) -> KnownKey | None:
        """Look a key up; None where it is not known."""
        ...


class UpstreamCredentials(Protocol):
    """The gateway's own credentials towards S3."""

    async def for_principal(self, principal: Principal) -> Credential:
        """Credentials that are valid now.

        Raises:
            CredentialsUnavailable: there are none; never an anonymous fallback.
        """
        ...


class BucketFacts(Protocol):
    """What the gateway looks up about buckets."""

    async def look_up(
        self, bucket: str, principal: Principal, *, expected_owner: str = "", not_in: str = ""
    ) -> BucketFact:
        """Region and existence, and whether `expected_owner` (12 digits) owns the bucket.

        Args:
            bucket: its name.
            principal: who asks.
            expected_owner: an account to confirm; empty: none.
            not_in: the Region where S3 has just said that the bucket is not: what is remembered
                and says so, or says no Region, is asked for anew.

        Raises:
            FactsUnavailable: S3 gave no answer; a "no" is an answer.
            CredentialsUnavailable: there are no credentials to ask with.
        """
        ...

    def recall(
        self, bucket: str, principal: Principal, *, expected_owner: str = ""
    ) -> BucketFact | None:
        """What `look_up` would say without asking anybody; None where it would ask."""
        ...


class Reading(Protocol):
    """What AWS answered about one optional fact; what it says may depend on the subject."""

    def members(self, subject: Subject) -> Mapping[str, object]:
        """JSON pointer -> value, of the question to policy.

        Raises:
            FactUnknown: `undecided`: the answer does not say.
        """
        ...


class FactReader(Protocol):
    """One optional fact, as it is asked for."""

    @property
    def fact(self) -> Fact:
        """Which."""
        ...

    @property
    def kept(self) -> bool:
        """Whether an answer may be remembered, and shared by those who ask at the same time."""
        ...

    def about(self, subject: Subject) -> Hashable | None:
        """What the answer depends on, beside who asks; None where there is nothing to ask."""
        ...

    async def read(self, subject: Subject, principal: Principal) -> Reading:
        """Ask AWS.

        Raises:
            FactUnknown: there is no answer, or one that cannot be used.
            CredentialsUnavailable: there are no credentials to ask with.
        """
        ...


#: Among the metrics of an answer that was known, in the manner of `counter_server_query_cache_hit`.
CACHE_HIT: Final = "counter_decision_cache_hit"


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What an engine gave, unread, with what it takes to read it.

    Args:
        value: of `inventory/main/decision`.
        catalog: the rules of the bundle that gave it.
        provenance: which bundles these were, in the words of OPA's REST API.
        metrics: the engine's own timers and counters, by OPA's names.
    """

    value: object
    catalog: Catalog
    provenance: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, int] = field(default_factory=dict)


class PolicyEngine(Protocol):
    """An engine for Rego."""

    @property
    def name(self) -> str:
        """`wasm` or `opa`."""
        ...

    @property
    def revision(self) -> str:
        """The revision of what is loaded; for records of what could not be asked."""
        ...

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """Ask for `inventory/main/decision`.

        Raises:
            PolicyUnavailable: exception, undefined, time-out, oversize.
        """
        ...


@dataclass(slots=True)
class UpstreamRequest:
    """A request as it goes to S3, signed.

    Args:
        method: the method.
        url: scheme, authority, path and query, exactly as signed.
        headers: all of them, Host and framing included; out of every repr, as they hold secrets.
        body: bytes, or a stream that is consumed once, or None.
    """

    method: str
    url: str
    headers: Headers = field(repr=False)
    body: bytes | AsyncIterator[bytes] | None = None


class UpstreamResponse(Protocol):
    """S3's answer: the head is there, the body is read as it comes."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """(lower-case name, value), as received."""
        ...

    async def read(self) -> bytes:
        """The next piece of the body, `b""` at its end.

        Raises:
            UpstreamUnavailable: it broke off before its declared end.
        """
        ...


class Upstream(Protocol):
    """S3, or something that speaks like it."""

    def send(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Send once, never twice; follow nothing; leave the context to release the connection.

        Raises:
            UpstreamUnavailable: no answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as the journal keeps it, in OPA's field names where it has them.

    `input` and `result` are JSON-ready; `document` is the canonical XML that would be forwarded
    (None for a DELETE), `document_sha256` its hash in lower-case hexadecimal. `received` is the
    client's own document as it came: None for a DELETE, and where a release before it was kept
    has written the record. `metrics` are what was measured until the record was written.
    """

    decision_id: str
    timestamp: datetime
    request_id: str
    principal: str
    action: str
    bucket: str
    inventory_id: str
    allow: bool
    revision: str
    input: Mapping[str, object]
    result: Mapping[str, object]
    document: bytes | None = None
    document_sha256: str = ""
    error: str = ""
    metrics: Mapping[str, int] = field(default_factory=dict)
    received: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision.

    Args:
        kind: `forwarded`, `refused`, `failed` or `unknown`.
        s3_status: S3's status; 0 where there was no answer.
        upstream_request_id: S3's `x-amz-request-id`.
        metrics: what was measured since the record was written, by OPA's `timer_*_ns` convention;
            empty where nobody was there to measure, as after a crash.
    """

    kind: str
    s3_status: int = 0
    upstream_request_id: str = ""
    metrics: Mapping[str, int] = field(default_factory=dict)


class Journal(Protocol):
    """The durable record. No record, no action."""

    async def record(self, record: DecisionRecord) -> None:
        """Store the decision; on return it survives a power cut.

        Raises:
            JournalUnavailable: it could not be made durable.
        """
        ...

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Hand in the outcome. It is written soon, with what else there is to write.

        The journal itself reports what it could not write; a crash leaves the decision without
        outcome, and S3 can be asked.

        Raises:
            JournalUnavailable: it was not taken; the decision stays without outcome.
        """
        ...


class EventLog(Protocol):
    """The structured log: a copy of each decision, and one access event per request."""

    def decision(self, record: DecisionRecord, outcome: Outcome) -> None:
        """Log a decision with its outcome."""
        ...

    def access(self, event: Mapping[str, object]) -> None:
        """Log the end of a request."""
        ...

    def fault(self, message: str, *, level: str = "error", **fields: object) -> None:
        """Log something that an operator should look at; an error brings the stack in flight."""
        ...


class Stage(StrEnum):
    """The parts of a request whose time is measured each for itself."""

    VERIFICATION = "verification"
    FACTS = "facts"
    POLICY = "policy"
    JOURNAL = "journal"
    UPSTREAM = "upstream"


class Metrics(Protocol):
    """What is counted for whoever watches. It never raises and never waits."""

    def request(self, operation: str, group: str, status: int, seconds: float, bucket: str) -> None:
        """Count the end of a request.

        Args:
            operation: S3's name for it; empty where none was recognised.
            group: the operation's; empty likewise.
            status: of the answer; 0 where there was none.
            seconds: from its head to its end.
            bucket: that the principal may use; empty where there is none.
        """
        ...

    def stage(self, stage: Stage, seconds: float) -> None:
        """Count what one part took."""
        ...

    def decision(self, record: DecisionRecord) -> None:
        """Count a decision with its findings, and what facts and policy took."""
        ...

    def journal_error(self, reason: str) -> None:
        """Count what could not be made durable."""
        ...


class NoMetrics:
    """For those who do not count."""

    def request(self, operation: str, group: str, status: int, seconds: float, bucket: str) -> None:
        """Nothing."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """Nothing."""

    def decision(self, record: DecisionRecord) -> None:
        """Nothing."""

    def journal_error(self, reason: str) -> None:
        """Nothing."""


NO_METRICS: Final[Metrics] = NoMetrics()


class Exchange(Protocol):
    """The client's side of one request: its body, and the way back."""

    async def read(self) -> bytes:
        """The next piece of the body, `b""` at its end; asks for it (100-continue) if need be.

        Raises:
            RequestError: the body ended early, or stalled.
        """
        ...

    def hasten(self) -> None:
        """Say that the body is small: from now on all of it must come within the longest silence.

        What is held in memory, for nobody knows whom, is not to trickle in for ever.
        """
        ...

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the head of a streamed answer."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body; returns when the client can take more."""
        ...

    async def finish(self) -> None:
        """End the body."""
        ...

    async def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer at once."""
        ...

    def abort(self) -> None:
        """Break the connection: the honest end of a body that cannot be finished."""
        ...
