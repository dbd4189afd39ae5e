"""Before the first request: does this build really say yes, no, and no to nothing?

Refusing to start beats a gate that stands open because a rule file or a parser went missing.
"""

from typing import Final

from aiohttp import http_parser

from gateway.core.errors import PolicyUnavailable
from gateway.core.inventory.configuration import Destination, InventoryConfiguration, SseS3
from gateway.core.policy.decision import Verdict, interpret
from gateway.core.policy.input import (
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
)
from gateway.core.ports import PolicyEngine

_ACCOUNT: Final = "111122223333"
#: The revision of the settings that ship: what they allow and deny is known.
_AS_SHIPPED: Final = "default"
#: That of a bundle with an organisation's own rules, which may deny more.
OWN_RULES: Final = "default+own"


class SelfTestError(RuntimeError):
    """The gateway must not start; the text says why."""


async def self_test(engine: PolicyEngine) -> None:
    """Ask the engine what must be allowed and denied; check the parser that stands in front.

    Raises:
        SelfTestError: an answer was not the one expected.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise SelfTestError(
            "aiohttp runs without its C parser, which is the strict one: unset "
            "AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel"
        )
    encrypted, plain = _question(encrypted=True), _question(encrypted=False)
    sound = await _verdict(engine, encrypted.document())
    bad = await _verdict(engine, plain.document())
    # Under an organisation's settings a sound report may be denied, and a bad one only warned of.
    if not _findings(bad) - _findings(sound):
        raise SelfTestError("policy finds nothing wrong with an unencrypted report")
    if sound.revision == _AS_SHIPPED and not sound.allow:
        raise SelfTestError("policy denies a configuration that breaks no rule")
    if bad.revision in (_AS_SHIPPED, OWN_RULES) and bad.allow:
        raise SelfTestError("policy allows an unencrypted report in another Region")
    await _refuse_nothing(engine)


async def settings_test(engine: PolicyEngine, revision: str) -> None:
    """Ask an engine under an organisation's settings: whatever they allow, it must answer by them.

    Raises:
        SelfTestError: it answers by others, or allows an empty question.
        PolicyUnavailable: it gives no answer that counts.
    """
    for question in (_question(encrypted=True), _question(encrypted=False)):
        answered_by = (await _verdict(engine, question.document())).revision
        if answered_by != revision:
            raise SelfTestError(f"policy answers by the settings {answered_by}, not {revision}")
    await _refuse_nothing(engine)


async def probe(engine: PolicyEngine) -> None:
    """Ask a question, to see that an answer comes that counts; what it says is policy's affair.

    Raises:
        PolicyUnavailable: none comes.
    """
    await _verdict(engine, _question(encrypted=True).document())


async def _refuse_nothing(engine: PolicyEngine) -> None:
    try:
        empty = (await _verdict(engine, {})).allow
    except PolicyUnavailable:
        empty = False
    if empty:
        raise SelfTestError("policy allows an empty question")


async def _verdict(engine: PolicyEngine, document: dict[str, object]) -> Verdict:
    answer = await engine.evaluate(document)
    return interpret(answer.value, answer.catalog, document)


def _findings(verdict: Verdict) -> frozenset[tuple[str, str]]:
    """Everything that a rule had to say, whatever its mode."""
    found = (*verdict.violations, *verdict.warnings, *verdict.dryrun, *verdict.exempted)
    return frozenset((finding.rule, finding.path) for finding in found)


def _question(*, encrypted: bool) -> PolicyInput:
    region = "eu-central-1" if encrypted else "us-east-1"
    return PolicyInput(
        action=PUT_ACTION,
        request_id="SELFTEST",
        api="PutBucketInventoryConfiguration",
        method="PUT",
        region="eu-central-1",
        source_ip="",
        user_agent="self-test",
        expected_bucket_owner="",
        requester=Requester("self-test", "sigv4-header", "SELFTEST"),
        source=BucketFact("self-test-source", "eu-central-1", known=True),
        destination=BucketFact(
            "self-test-destination",
            region,
            known=True,
            owner_verified=encrypted,
            account=_ACCOUNT if encrypted else "",
        ),
        environment=Environment(time_ns=0, gateway="self-test"),
        inventory_id="self-test",
        configuration=InventoryConfiguration(
            id="self-test",
            is_enabled=True,
            destination=Destination(
                bucket_arn="arn:aws:s3:::self-test-destination",
                format="Parquet",
                account_id=_ACCOUNT if encrypted else None,
                encryption=SseS3() if encrypted else None,
            ),
            included_object_versions="Current",
            frequency="Daily",
        ),
    )
