"""The gateway's own credentials as told."""

from dataclasses import dataclass, field

from gateway.core.errors import CredentialsUnavailable
from gateway.core.ports import Principal
from gateway.core.sigv4.credential import Credential

UPSTREAM = Credential(
    "AKIAUPSTREAM00000001", "upstream-secret-upstream-secret1", "upstream/token=="
)


@dataclass(slots=True)
class FakeUpstreamCredentials:
    """One pair for everyone; `fault` is raised while it is set."""

    trace: list[str]
    credential: Credential = UPSTREAM
    fault: CredentialsUnavailable | None = None
    asked: list[Principal] = field(default_factory=list)

    async def for_principal(self, principal: Principal) -> Credential:
        """The pair."""
        self.trace.append(f"credentials {principal.name}")
        self.asked.append(principal)
        if self.fault is not None:
            raise self.fault
        return self.credential
