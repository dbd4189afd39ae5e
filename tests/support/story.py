"""A day in the life of a gateway, for pictures."""

import copy
import random
from datetime import timedelta
from typing import Any, Final

from gateway.admin.difference import difference
from gateway.admin.ports import Trial
from gateway.admin.record import findings_of
from gateway.admin.wording import as_json
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.journal import JournalEntry, Verdict
from gateway.core.ports import Outcome
from tests.support.decisions import (
    CONFIGURATION,
    DOCUMENT,
    FINDING,
    NOW,
    entry,
    question,
    refusal,
    removal,
    result,
)
from tests.support.inventory import document, sse_kms
from tests.support.page_server import PageServer

_NUMBER: Final = 240
_PRINCIPALS: Final = ("analytics-team", "ci-pipeline", "data-platform", "finance")
_BUCKETS: Final = ("acme-orders", "acme-logs-eu-central-1-prod", "analytics-raw")
_SLASHES: Final[dict[str, Any]] = {
    "rule": "INV033",
    "path": "/Destination/S3BucketDestination/Prefix",
    "severity": "low",
    "message": "The destination prefix '/a//b' begins with a slash or has two slashes in a row.",
    "remedy": "Remove the extra slashes; the prefix may be empty.",
    "allowed": [],
}
_KEY: Final = "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"


def tell(server: PageServer) -> None:
    """Fill the page."""
    dice = random.Random(7)  # noqa: S311 - the same story every time
    ages = sorted((24 * 60 * dice.betavariate(2, 1.5) for _ in range(1, _NUMBER)), reverse=True)
    server.reader.entries += [
        _decision(position, age, dice) for position, age in enumerate(ages, start=1)
    ]
    encrypted = copy.deepcopy(CONFIGURATION)
    destination = encrypted["Destination"]["S3BucketDestination"]
    destination["Encryption"] = {"SSEKMS": {"KeyId": _KEY}}
    path = "/Destination/S3BucketDestination/Encryption"
    patched = result(
        mutations=[{"rule": "INV001", "op": "add", "path": path, "value": {}}],
        original={"configuration": CONFIGURATION, "body_sha256": "cd" * 32},
    )
    asked = question(configuration=encrypted)
    written = document(encryption="").replace("><", ">\n  <")
    judged = document(encryption=sse_kms(_KEY))
    measured = {"timer_journal_ns": 4_100_000, "timer_upstream_ns": 31_000_000}
    server.reader.entries.append(
        entry(
            _NUMBER,
            input=asked,
            result=patched,
            received=f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'.encode(),
            document=write_configuration(read_configuration(judged.encode())),
            metrics={
                "timer_verification_ns": 310_000,
                "timer_facts_ns": 4_200_000,
                "timer_policy_ns": 1_900_000,
            },
            outcome=Outcome("forwarded", 204, "S3REQUEST0000001", measured),
        )
    )
    corrected = as_json(encrypted)
    server.policy.trial = Trial(
        Verdict.DENY,
        findings=findings_of(result(violations=[FINDING]), question()),
        revision="2026-11-21.2",
        corrected=corrected,
        changes=difference(as_json(CONFIGURATION), corrected),
    )


def _decision(position: int, age: float, dice: random.Random) -> JournalEntry:
    common: dict[str, Any] = {
        "timestamp": NOW - timedelta(minutes=age),
        "principal": dice.choice(_PRINCIPALS),
        "bucket": dice.choice(_BUCKETS),
        "metrics": {
            "timer_facts_ns": int(dice.expovariate(1 / 2e6)),
            "timer_policy_ns": int(dice.gauss(9e5, 1e5)),
            "timer_journal_ns": int(dice.expovariate(1 / 4e6)),
            "timer_upstream_ns": int(dice.expovariate(1 / 3e7)),
        },
    }
    rule = FINDING | {"rule": dice.choice(["INV001", "INV001", "INV015", "INV010", "INV012"])}
    match dice.choices(["allow", "remove", "deny", "observe", "error"], [12, 1, 5, 1, 0.3])[0]:
        case "allow":
            return entry(position, **common)
        case "remove":
            return removal(position, **common)
        case "deny":
            common["received"] = DOCUMENT.replace(b"><", b">\n  <")
            return refusal(position, result=result(violations=[rule, _SLASHES]), **common)
        case "observe":
            seen = result(violations=[rule], would_refuse=True)
            return entry(position, result=seen, **common)
        case _:
            fault = {"allow": False, "error": "engine_timeout", "result": {"allow": False}}
            return entry(position, outcome=Outcome("refused"), **fault, **common)
