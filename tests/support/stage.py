"""The whole pipeline on fakes, with one trace of the calls of all ports, in order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gateway.adapters.checksums_crt import CHECKSUMS
from gateway.core.policy.input import BucketFact
from gateway.core.ports import DecisionRecord, KnownKey, Outcome, Principal
from gateway.core.s3.address import Hosts
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.operations import DEFAULT_GROUPS, Group
from gateway.core.sigv4.credential import Credential
from gateway.pipeline.admission import Admission
from gateway.pipeline.authenticate import Authenticator
from gateway.pipeline.dispatch import Dispatcher, Head
from gateway.pipeline.gate import Gate
from gateway.pipeline.judge import Judge
from gateway.pipeline.optional_facts import OptionalFacts
from gateway.pipeline.relay import Relay
from tests.support import fake_time
from tests.support.fake_credential_store import FakeCredentialStore
from tests.support.fake_event_log import FakeEventLog
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_fact_reader import FakeFactReader
from tests.support.fake_metrics import FakeMetrics
from tests.support.fake_policy_engine import FakePolicyEngine
from tests.support.fake_upstream import FakeUpstream
from tests.support.fake_upstream_credentials import FakeUpstreamCredentials
from tests.support.fakes import FakeBucketFacts, FakeJournal
from tests.support.wire import Key, Message, message, signed

ACCOUNT = "111122223333"
SOURCE = "acme-orders"
DESTINATION = "acme-inventory"
ANA = Key()
TOKEN_KEY = Key("GWCLIENTEXAMPLE00002", "client-secret-client-secret-0002", "client/token==")
ENDPOINT = "https://s3.{region}.amazonaws.com"

CONFIGURATION = (
    '<InventoryConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
    "  <Id>daily</Id><IsEnabled>true</IsEnabled>"
    "<IncludedObjectVersions>Current</IncludedObjectVersions>"
    "<Destination><S3BucketDestination><Format>Parquet</Format>"
    f"<Bucket>arn:aws:s3:::{DESTINATION}</Bucket><AccountId>{ACCOUNT}</AccountId>"
    "<Encryption><SSE-S3/></Encryption></S3BucketDestination></Destination>"
    "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
).encode()


class TracedJournal(FakeJournal):
    """The journal's fake, writing into the common trace."""

    def __init__(self, trace: list[str]) -> None:
        super().__init__()
        self.trace = trace

    async def record(self, record: DecisionRecord) -> None:
        """Keep a decision."""
        self.trace.append(f"record {'allow' if record.allow else 'deny'}")
        await super().record(record)

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Keep an outcome."""
        self.trace.append(f"conclude {outcome.kind}")
        await super().conclude(decision_id, outcome)

    @property
    def only(self) -> DecisionRecord:
        """The one record."""
        (record,) = self.records.values()
        return record

    @property
    def outcome(self) -> Outcome:
        """The one outcome, without what was measured."""
        (outcome,) = self.outcomes.values()
        return replace(outcome, metrics={})

    @property
    def measured(self) -> Mapping[str, int]:
        """What was measured for the one decision: until it was recorded, and until it ended."""
        (outcome,) = self.outcomes.values()
        return {**self.only.metrics, **outcome.metrics}


class TracedFacts(FakeBucketFacts):
    """The facts' fake, writing into the common trace."""

    def __init__(self, trace: list[str]) -> None:
        regions = {SOURCE: "eu-central-1", DESTINATION: "eu-central-1"}
        super().__init__(regions, dict.fromkeys(regions, ACCOUNT))
        self.trace = trace

    async def look_up(
        self, bucket: str, principal: Principal, *, expected_owner: str = "", not_in: str = ""
    ) -> BucketFact:
        """The fact that was told."""
        doubt = f" not in {not_in}" if not_in else ""
        self.trace.append(f"facts {bucket} {expected_owner}".rstrip() + doubt)
        return await super().look_up(
            bucket, principal, expected_owner=expected_owner, not_in=not_in
        )


def known(
    key: Key = ANA,
    name: str = "ana",
    buckets: Iterable[str] = ("acme-*",),
    groups: Iterable[Group] = DEFAULT_GROUPS,
) -> KnownKey:
    """A client's key as the store knows it."""
    credential = Credential(key.access_key_id, key.secret, key.token)
    return KnownKey(credential, Principal(name, tuple(buckets), frozenset(groups)))


@dataclass(slots=True)
class Stage:
    """All ports as fakes, and the pipeline between them."""

    trace: list[str] = field(default_factory=list)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(ENDPOINT))
    store: FakeCredentialStore = field(default_factory=FakeCredentialStore)
    upstream: FakeUpstream = field(init=False)
    credentials: FakeUpstreamCredentials = field(init=False)
    engine: FakePolicyEngine = field(init=False)
    journal: TracedJournal = field(init=False)
    facts: TracedFacts = field(init=False)
    readers: list[FakeFactReader] = field(default_factory=list)
    log: FakeEventLog = field(init=False)
    admission: Admission = field(default_factory=lambda: Admission(100, 10))
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    check_payload: bool = False
    sigv2_presigned: bool = False

    def __post_init__(self) -> None:
        """Make the fakes; two clients are known."""
        self.upstream = FakeUpstream(self.trace)
        self.credentials = FakeUpstreamCredentials(self.trace)
        self.engine = FakePolicyEngine(self.trace)
        self.journal = TracedJournal(self.trace)
        self.facts = TracedFacts(self.trace)
        self.log = FakeEventLog(self.trace)
        self.store.add(known())
        self.store.add(known(TOKEN_KEY, "tom"))

    @property
    def authenticator(self) -> Authenticator:
        """It takes every Region."""
        return Authenticator(self.store, fake_time.clock, ["*"])

    @property
    def judge(self) -> Judge:
        """It numbers its decisions."""
        return Judge(
            self.engine,
            self.journal,
            self.log,
            fake_time.clock,
            fake_time.stopwatch(),
            fake_time.ids("decision"),
            self.metrics,
        )

    @property
    def gate(self) -> Gate:
        """A gate named `test`."""
        return Gate(
            self.facts,
            self.judge,
            self.upstream,
            self.credentials,
            self.endpoint,
            CHECKSUMS,
            fake_time.clock,
            fake_time.stopwatch(),
            optional_facts=OptionalFacts(self.readers, self.facts, fake_time.stopwatch()),
            name="test",
        )

    @property
    def relay(self) -> Relay:
        """A relay."""
        return Relay(
            self.upstream,
            self.credentials,
            self.facts,
            self.endpoint,
            CHECKSUMS,
            fake_time.clock,
            check_payload=self.check_payload,
        )

    @property
    def dispatcher(self) -> Dispatcher:
        """It answers for localhost and for buckets below `.s3.example.org`."""
        return Dispatcher(
            Hosts(("localhost",), (".s3.example.org",)),
            self.authenticator,
            self.admission,
            self.gate,
            self.relay,
            self.log,
            fake_time.stopwatch(),
            new_request_id=fake_time.ids("request"),
            new_host_id=fake_time.ids("host"),
            sigv2_presigned=self.sigv2_presigned,
            metrics=self.metrics,
        )

    async def dispatch(
        self,
        request: Message,
        pieces: Iterable[bytes | Exception] | None = None,
        *,
        remote: str = "127.0.0.1",
        secure: bool = False,
        gone_after: int | None = None,
    ) -> FakeExchange:
        """Let a request through, as the listener would."""
        body = [request.body] if pieces is None else pieces
        exchange = FakeExchange(body, self.trace, gone_after=gone_after)
        head = Head(request.method, request.target, request.headers, remote, secure)
        await self.dispatcher.dispatch(head, exchange)
        return exchange

    async def put(self, body: bytes = CONFIGURATION, inventory_id: str = "daily") -> FakeExchange:
        """A gated PUT by ana."""
        return await self.dispatch(put_inventory(body, inventory_id))


def put_inventory(
    body: bytes = CONFIGURATION,
    inventory_id: str = "daily",
    headers: Iterable[tuple[str, str]] = (),
    *,
    bucket: str = SOURCE,
) -> Message:
    """A PUT of a configuration, signed by ana at the stage's time."""
    plain = message("PUT", f"/{bucket}?inventory&id={inventory_id}", body, headers)
    return by_ana(plain)


def by_ana(plain: Message, **options: str) -> Message:
    """Sign as ana at the stage's time."""
    return signed(plain, ANA, at=fake_time.NOW, payload=options.get("payload"))
