"""Fact -> who reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.delivery import DeliveryFact
from gateway.core.policy.fact import Fact
from gateway.core.ports import FactReader

READERS: Final[Mapping[Fact, Callable[[AwsClients], FactReader]]] = {
    Fact.DELIVERY: DeliveryFact,
}


def fact_readers(facts: Sequence[Fact], clients: AwsClients) -> tuple[FactReader, ...]:
    """A reader for each of the facts, once."""
    return tuple(READERS[fact](clients) for fact in dict.fromkeys(facts))
