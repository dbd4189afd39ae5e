"""A question that rules were not written for, in a whole gateway."""

from pathlib import Path
from typing import Any

import pytest

from gateway.core.policy.input import PolicyInput
from tests.support.inventory import VALID
from tests.support.site import ANA, Mark, Site, wait_until
from tests.support.wire import message, signed


@pytest.mark.parametrize("seconds", [60, 0], ids=["with-cache", "without-cache"])
def test_a_question_of_another_shape_is_a_recorded_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """I15: as may come of a fact that somebody adds; not even one that was just answered."""
    put = signed(message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()), ANA)
    with Site(tmp_path, {"policy_cache_seconds": seconds}) as site:
        assert site.call(put).status == 204
        document = PolicyInput.document

        def strange(question: PolicyInput) -> dict[str, object]:
            found = document(question)
            found["request"]["id"] = 7  # type: ignore[index]
            return found

        def decisions() -> list[dict[str, Any]]:
            return [line for line in site.lines(Mark(0, 0)) if line["event"] == "decision"]

        monkeypatch.setattr(PolicyInput, "document", strange)
        assert site.call(put).status == 503
        wait_until(lambda: len(decisions()) == 2)
        assert decisions()[1]["error"] == "input_schema"
        assert len(site.writes(Mark(0, 0))) == 1
