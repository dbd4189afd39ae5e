"""How many requests may be under way."""

from contextlib import ExitStack

import pytest

from gateway.core.errors import GatewayError
from gateway.core.s3.operations import Group
from gateway.pipeline.admission import Admission
from tests.support.fake_time import NOW
from tests.support.stage import ANA, SOURCE, TOKEN_KEY, Stage, by_ana, known, put_inventory
from tests.support.wire import message, signed


def is_admitted(admission: Admission, principal: str) -> bool:
    """Whether there is a place now."""
    try:
        with admission.admitted(principal):
            return True
    except GatewayError as error:
        return error.code != "SlowDown"


def test_one_principal_cannot_take_every_place() -> None:
    """I25: the others still get theirs, up to the total."""
    admission = Admission(3, 2)
    with ExitStack() as stack:
        stack.enter_context(admission.admitted("ana"))
        stack.enter_context(admission.admitted("ana"))
        assert (is_admitted(admission, "ana"), is_admitted(admission, "tom")) == (False, True)
        stack.enter_context(admission.admitted("tom"))
        assert (is_admitted(admission, "tom"), is_admitted(admission, "eve")) == (False, False)
    assert (is_admitted(admission, "ana"), is_admitted(admission, "tom")) == (True, True)


def test_a_place_is_free_after_a_failure() -> None:
    """I25: whatever ended the request; and nothing is kept of who was there."""
    admission = Admission(1, 1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), admission.admitted("ana"):
            raise ZeroDivisionError
    assert is_admitted(admission, "tom")
    assert admission._by_principal == {}


@pytest.mark.parametrize(
    "wire", [by_ana(message("GET", f"/{SOURCE}/key")), put_inventory()], ids=["relay", "gate"]
)
async def test_who_is_over_the_limit_reads_slow_down(stage: Stage, wire) -> None:
    """I25: before anything is looked up; another principal is served."""
    stage.admission = Admission(10, 1)
    stage.store.add(known(TOKEN_KEY, "tom", groups=Group))
    with stage.admission.admitted("ana"):
        exchange = await stage.dispatch(wire)
        assert (exchange.status, exchange.code) == (503, "SlowDown")
        assert exchange.header("Retry-After") == "1"
        assert stage.trace == ["answer 503", "access 503"]
        other = signed(message("GET", f"/{SOURCE}/key"), TOKEN_KEY, at=NOW)
        assert (await stage.dispatch(other)).status == 204
    assert (await stage.dispatch(wire)).status == 204


async def test_an_unverified_request_takes_no_place(stage: Stage) -> None:
    """I1: nor can it learn how busy the gateway is."""
    stage.admission = Admission(1, 1)
    with stage.admission.admitted(known(ANA).principal.name):
        exchange = await stage.dispatch(message("GET", f"/{SOURCE}/key"))
    assert exchange.code == "AccessDenied"
