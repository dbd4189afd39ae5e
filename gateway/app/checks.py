"""What readiness rests on: one check for each part that an inventory write needs."""

from collections.abc import Mapping
from typing import Final, Protocol

from gateway.adapters.upstream_httptools import HttptoolsUpstream
from gateway.app.policy import SettledPolicy
from gateway.app.readiness import Check
from gateway.app.self_test import probe
from gateway.core.errors import CredentialsUnavailable
from gateway.core.ports import CredentialStore, PolicyEngine, Principal, UpstreamCredentials

#: Stands for the gateway itself: roles of principals are their own affair.
NOBODY: Final = Principal("readiness", (), frozenset())


class CheckedJournal(Protocol):
    """A journal that can say whether it would keep a decision now."""

    @property
    def waiting(self) -> int:
        """How many records wait to be made durable."""
        ...

    async def check(self) -> None:
        """Write and sync, without adding a decision.

        Raises:
            JournalUnavailable: a decision could not be made durable now.
        """
        ...


def checks(
    engine: PolicyEngine,
    journal: CheckedJournal,
    credentials: UpstreamCredentials,
    clients: CredentialStore,
    upstream: HttptoolsUpstream,
    url: str,
) -> Mapping[str, Check]:
    """The checks by name.

    Args:
        engine: must give an answer that counts.
        journal: must be able to keep a decision.
        credentials: the gateway's own must be valid, and nobody else's.
        clients: whose keys they may not be: a client that holds them needs no gateway.
        upstream: must take a connection.
        url: where it is.
    """

    async def policy() -> str:
        await probe(engine)
        return f"{engine.name}, revision {engine.revision}"

    async def writable() -> str:
        await journal.check()
        return "writable"

    async def valid() -> str:
        own = await credentials.for_principal(NOBODY)
        if clients.find(own.access_key_id) is not None:
            raise CredentialsUnavailable(
                "credentials_shared",
                detail=f"{own.access_key_id} is a principal's, too: give clients keys of their own",
            )
        return "valid"

    async def reachable() -> str:
        await upstream.reach(url)
        return f"{url} takes connections"

    return {
        "policy": policy,
        "journal": writable,
        "credentials": valid,
        "upstream": reachable,
    }


def facts(engine: PolicyEngine) -> Mapping[str, object]:
    """What is no reason to send no traffic, but a reason to look: JSON-ready."""
    policy: dict[str, object] = {"engine": engine.name, "revision": engine.revision}
    if not isinstance(engine, SettledPolicy):
        return {"policy": policy}
    policy["settings_revision"] = engine.settings_revision
    if engine.problem:
        policy["settings_not_reloaded"] = engine.problem
    exemptions = [
        {
            "id": exemption.id,
            "state": state.value,
            "ticket": exemption.ticket,
            "approved_by": exemption.approved_by,
            "expires": exemption.expires,
        }
        for exemption, state in engine.exemptions()
    ]
    return {"policy": policy, "exemptions_ending": exemptions}
