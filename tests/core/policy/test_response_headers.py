"""What an allowed write tells its client about the decision."""

from typing import Any

import pytest

from gateway.core.policy.catalog import Finding, Severity
from gateway.core.policy.decision import Allow, Verdict
from gateway.core.policy.exemption import UsedExemption
from gateway.core.policy.mutation import Mutation
from gateway.core.policy.response_headers import response_headers


def found(rule: str, exemption: str = "") -> Finding:
    """A finding, exempted where an exemption is named."""
    used = UsedExemption(exemption, "GOV-1", 1) if exemption else None
    return Finding(rule, "/Id", Severity.LOW, "message", "remedy", exemption=used)


def headers(**findings: Any) -> list[tuple[str, str]]:
    """The headers of a decision that found these."""
    verdict = Verdict(allow=not findings.get("violations"), revision="r", observe=True, **findings)
    return response_headers(Allow("d-1", "r", verdict))


def test_nothing_is_told_when_nothing_was_found() -> None:
    """Dry runs are for the record alone."""
    assert headers() == headers(dryrun=(found("INV001"),)) == []


def test_everything_is_told_by_its_id() -> None:
    """Each id once, in the order of the findings."""
    assert headers(
        warnings=(found("INV031"), found("INV018"), found("INV031")),
        exempted=(found("INV030", "EX-7"), found("INV001", "EX-7"), found("INV002", "EX-1")),
        violations=(found("INV015"),),
    ) == [
        ("x-inventory-gateway-warnings", "INV031; INV018"),
        ("x-inventory-gateway-exemptions", "EX-7; EX-1"),
        ("x-inventory-gateway-would-refuse", "INV015"),
    ]


@pytest.mark.parametrize("hostile", ["A\r\nset-cookie: x", "A;B", "", "é", "x" * 41, "A\n"])
def test_an_id_that_could_end_the_line_is_left_out(hostile: str) -> None:
    """Ids come from files, and this is a header."""
    assert headers(warnings=(found(hostile),), exempted=(found("INV001", hostile),)) == []


def test_the_headers_are_bounded() -> None:
    """However many rules an organisation has."""
    many = tuple(found(f"RULE-{number:035}") for number in range(200))
    ((_, value),) = headers(warnings=many)
    assert len(value.split("; ")) == 32
    assert len(value) < 1400


def test_what_was_changed_is_named_by_member() -> None:
    """First, as it matters most to whoever wonders at what S3 has; values stay out of headers."""
    path = "/Destination/S3BucketDestination"
    mutations = (
        Mutation("INV010", "add", f"{path}/AccountId", "444455556666"),
        Mutation("INV001", "add", f"{path}/Encryption", {"SSES3": {}}),
    )
    verdict = Verdict(allow=True, revision="r", warnings=(found("INV018"),))
    assert response_headers(Allow("d-1", "r", verdict, mutations)) == [
        (
            "x-inventory-gateway-mutated",
            "Destination.S3BucketDestination.AccountId, Destination.S3BucketDestination.Encryption",
        ),
        ("x-inventory-gateway-warnings", "INV018"),
    ]
