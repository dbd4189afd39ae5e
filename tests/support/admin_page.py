"""The admin page over fakes, as an application of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from gateway.admin.pages import AdminPages
from gateway.admin.ports import Attempt, Parameter, PolicyInForce, RuleEntry, Trial
from gateway.core.journal import Verdict
from gateway.core.policy.exemption import Exemption
from tests.support.decisions import NOW, FakeReader

RULES = (
    RuleEntry(
        id="INV001",
        title="The report is encrypted",
        severity="high",
        topic="encryption",
        mode="deny",
        why="An inventory lists every key of a bucket.",
        message="The inventory report must be encrypted; Encryption is {value}.",
        remedy="Set Encryption of the destination to one of: {allowed}.",
        parameters=(
            Parameter("minimum", "The weakest encryption that is allowed.", '"SSE-S3"', ""),
            Parameter("default_key", "The key that a patch fills in.", "", '"arn:aws:kms:…"'),
        ),
    ),
    RuleEntry(
        id="INV033",
        title="The prefix has no leading and no doubled slash",
        severity="low",
        topic="report",
        mode="warn",
        why="",
        message="The prefix {value} has a slash too many.",
        remedy="Remove it.",
    ),
)
EXEMPTION = Exemption(
    id="EX-7",
    rules=("INV001",),
    buckets=("legacy-*",),
    principals=("*",),
    configuration_ids=("*",),
    reason="the reader knows no KMS until the migration",
    ticket="GOV-1289",
    approved_by="s3-governance",
    expires=NOW + timedelta(days=3),
)
IN_FORCE = PolicyInForce(
    engine="wasm",
    revision="abc123",
    settings_revision="2026-11-20.1",
    observes=False,
    problem="",
    rules=RULES,
    exemptions=(EXEMPTION,),
)


class FakePolicy:
    """Policy as told: `trial` answers whatever is tried; what was asked is remembered."""

    def __init__(self) -> None:
        self.policy = IN_FORCE
        self.trial = Trial(Verdict.ALLOW, revision="2026-11-20.1")
        self.attempts: list[Attempt] = []
        self.replays: list[Mapping[str, object]] = []

    def tell(self, **changes: object) -> None:
        """Change what is in force."""
        self.policy = replace(self.policy, **changes)  # type: ignore[arg-type]

    def in_force(self) -> PolicyInForce:
        """As told."""
        return self.policy

    def principals(self) -> Sequence[str]:
        """Two."""
        return ("ana", "tom")

    async def attempt(self, attempt: Attempt) -> Trial:
        """As told."""
        self.attempts.append(attempt)
        return self.trial

    async def replay(self, question: Mapping[str, object]) -> Trial:
        """As told."""
        self.replays.append(question)
        return self.trial


def application(pages: AdminPages) -> web.Application:
    """The pages without a guard."""
    made = web.Application()
    pages.route(made)
    return made


def pages(reader: FakeReader | None, policy: FakePolicy) -> AdminPages:
    """The pages at a standing clock; without a reader the gateway has not started yet."""
    made = AdminPages(
        lambda: NOW, lambda: 0.0, name="gateway-1", version="0.1.0", poll_seconds=0.02
    )
    if reader is not None:
        made.serve(reader, policy)
    return made
