"""Before the first request: does this build really say yes, no, and no to nothing?"""

from collections.abc import Callable, Mapping

import pytest
from aiohttp import http_parser

from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.app.self_test import OWN_RULES, SelfTestError, probe, self_test, settings_test
from gateway.core.errors import PolicyUnavailable
from gateway.core.ports import PolicyAnswer
from tests.support.fake_policy_engine import FakePolicyEngine, answer

Document = Mapping[str, object]


class Answering(FakePolicyEngine):
    """An engine that answers by what it is asked."""

    def __init__(self, reply: Callable[[Document], object]) -> None:
        super().__init__([])
        self.reply = reply

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """The answer to this document; an exception is raised."""
        found = self.reply(document)
        if isinstance(found, Exception):
            raise found
        return PolicyAnswer(found, self.catalog)


def is_encrypted(document: Document) -> bool:
    """Whether this is the question that must be allowed."""
    return "SSES3" in repr(document)


async def test_the_shipped_bundle_passes() -> None:
    """The real engine, the real rules."""
    engine = WasmPolicyEngine(PolicyBundle.shipped(), timeout=5)
    try:
        await self_test(engine)
    finally:
        await engine.close()


async def test_a_policy_that_tells_them_apart_passes() -> None:
    """Yes, no, and a fault to nothing."""
    await self_test(
        Answering(
            lambda document: (
                PolicyUnavailable("engine_answer")
                if not document
                else answer(*([] if is_encrypted(document) else ["INV001"]))
            )
        )
    )


async def test_rules_of_ones_own_may_deny_what_is_sound() -> None:
    """The test knows nothing of what they ask for; what ships denies all the same."""
    rules = {True: ["INV015"], False: ["INV001", "INV015"]}
    await self_test(
        Answering(
            lambda document: answer(*rules[is_encrypted(document)], policy_revision=OWN_RULES)
        )
    )


def as_shipped(*violations: str, **changes: object) -> dict[str, object]:
    """A decision under the settings that ship."""
    return answer(*violations, policy_revision="default", **changes)


FOUND = {"rule": "INV001", "path": "/Id"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(lambda _: answer("INV001"), "finds nothing wrong", id="denies-all"),
        pytest.param(lambda _: answer(), "finds nothing wrong", id="allows-all"),
        pytest.param(
            lambda document: as_shipped(*(["INV001"] if is_encrypted(document) else ["INV015"])),
            "denies a configuration",
            id="denies-what-is-sound",
        ),
        pytest.param(
            lambda document: as_shipped(warnings=[] if is_encrypted(document) else [FOUND]),
            "allows an unencrypted report",
            id="only-warns",
        ),
        pytest.param(
            lambda document: answer(
                policy_revision=OWN_RULES, warnings=[] if is_encrypted(document) else [FOUND]
            ),
            "allows an unencrypted report",
            id="own-rules-only-warn",
        ),
        pytest.param(
            lambda document: answer(
                *([] if is_encrypted(document) or not document else ["INV001"])
            ),
            "allows an empty question",
            id="allows-nothing",
        ),
    ],
)
async def test_a_policy_that_does_not_must_not_start(
    reply: Callable[[Document], object], words: str
) -> None:
    """I15: a gate that stands open, or shut, is told before the first request."""
    with pytest.raises(SelfTestError, match=words):
        await self_test(Answering(reply))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            lambda document: answer(*(["INV001"] if is_encrypted(document) else ["INV015"])),
            id="stricter",
        ),
        pytest.param(
            lambda document: (
                answer(dryrun=[] if is_encrypted(document) else [FOUND])
                if document
                else PolicyUnavailable("engine_not_ready")
            ),
            id="dry-run",
        ),
    ],
)
async def test_an_organisation_may_be_stricter_or_only_look_on(
    reply: Callable[[Document], object],
) -> None:
    """Its settings decide what is allowed; that the rules run is what must be proven."""
    await self_test(Answering(reply))


@pytest.mark.parametrize("violations", [(), ("INV001",)], ids=["allows", "denies"])
async def test_an_organisation_may_allow_and_deny_what_it_likes(
    violations: tuple[str, ...],
) -> None:
    """Whatever its settings say, an answer by them is enough."""
    await settings_test(
        Answering(lambda document: answer(*violations) if document else answer("INV001")), "rev-1"
    )


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(
            lambda _: answer("INV001", policy_revision="rev-0"),
            "by the settings rev-0, not rev-1",
            id="others",
        ),
        pytest.param(lambda _: answer(), "allows an empty question", id="allows-nothing"),
    ],
)
async def test_settings_that_the_engine_does_not_answer_by_are_not_taken(
    reply: Callable[[Document], object], words: str
) -> None:
    """I15: the old ones stay."""
    with pytest.raises(SelfTestError, match=words):
        await settings_test(Answering(reply), "rev-1")


async def test_an_engine_that_fails_must_not_start() -> None:
    """Its own fault says why."""
    with pytest.raises(PolicyUnavailable):
        await self_test(Answering(lambda _: PolicyUnavailable("engine_timeout")))


async def test_the_lax_parser_must_not_stand_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """I26: aiohttp without its C extension reads what the tests of the listener refuse."""
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(SelfTestError, match="AIOHTTP_NO_EXTENSIONS"):
        await self_test(Answering(lambda _: answer()))


async def test_a_probe_takes_any_answer_that_counts() -> None:
    """Whatever the organisation's settings make of the question."""
    await probe(Answering(lambda _: answer("INV001")))
    with pytest.raises(PolicyUnavailable):
        await probe(Answering(lambda _: {"allow": True}))
