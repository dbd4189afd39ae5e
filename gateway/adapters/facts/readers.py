"""Fact -> who reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.adapters.facts.accounts import AccountsFact
from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.configurations import ConfigurationsFact
from gateway.adapters.facts.default_encryption import DefaultEncryptionFact
from gateway.adapters.facts.delivery import DeliveryFact
from gateway.adapters.facts.key_policy import KeyPolicyFact
from gateway.adapters.facts.object_count import ObjectCountFact
from gateway.adapters.facts.public_access import PublicAccessFact
from gateway.adapters.facts.tags import TagsFact
from gateway.adapters.facts.versioning import VersioningFact
from gateway.core.policy.fact import Fact
from gateway.core.ports import Clock, FactReader

READERS: Final[Mapping[Fact, Callable[[AwsClients, Clock], FactReader]]] = {
    Fact.DELIVERY: lambda clients, _: DeliveryFact(clients),
    Fact.KEY_POLICY: lambda clients, _: KeyPolicyFact(clients),
    Fact.PUBLIC_ACCESS: lambda clients, _: PublicAccessFact(clients),
    Fact.DEFAULT_ENCRYPTION: lambda clients, _: DefaultEncryptionFact(clients),
    Fact.TAGS: lambda clients, _: TagsFact(clients),
    Fact.VERSIONING: lambda clients, _: VersioningFact(clients),
    Fact.CONFIGURATIONS: lambda clients, _: ConfigurationsFact(clients),
    Fact.OBJECT_COUNT: ObjectCountFact,
    Fact.ACCOUNTS: lambda clients, _: AccountsFact(clients),
}


def fact_readers(
    facts: Sequence[Fact], clients: AwsClients, clock: Clock
) -> tuple[FactReader, ...]:
    """A reader for each of the facts, once."""
    return tuple(READERS[fact](clients, clock) for fact in dict.fromkeys(facts))
