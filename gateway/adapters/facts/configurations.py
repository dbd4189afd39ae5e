"""Which inventories does the source have already? ListBucketInventoryConfigurations, all pages.

What S3 holds under the id in question is among them. The list is read anew for every decision: a
rule about changes must see the change that was made a moment ago.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.adapters.facts.clients import owned
from gateway.adapters.facts.reading import part
from gateway.adapters.facts.source_fact import SourceFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.policy.input import plain
from gateway.core.ports import Principal

#: A bucket has 1,000 at most, a page 100; the question has room for no more.
_MOST: Final = 1_000
_PAGES: Final = 10
_LONGEST: Final = 8_192

_Shape = Mapping[str, Any]
#: What the question has room for; S3 may add members.
_SHAPE: Final[_Shape] = {
    "Id": str,
    "IsEnabled": bool,
    "IncludedObjectVersions": str,
    "OptionalFields": list,
    "Schedule": {"Frequency": str},
    "Filter": {"Prefix": str},
    "Destination": {
        "S3BucketDestination": {
            "AccountId": str,
            "Bucket": str,
            "Format": str,
            "Prefix": str,
            "Encryption": {"SSES3": {}, "SSEKMS": {"KeyId": str}},
        }
    },
}


@dataclass(frozen=True, slots=True)
class HeldConfigurations:
    """What S3 holds.

    Args:
        held: the configurations in boto3's shape, by id.
    """

    held: Mapping[str, Mapping[str, object]]

    def members(self, subject: Subject) -> Mapping[str, object]:
        """The list, and that under the id in question; null where there is none."""
        return {
            "/source/inventories": list(self.held.values()),
            "/previous_configuration": self.held.get(subject.inventory_id),
        }


class ConfigurationsFact(SourceFact):
    """Lists the inventories of a source."""

    fact = Fact.CONFIGURATIONS
    kept = False

    async def read(self, subject: Subject, principal: Principal) -> HeldConfigurations:
        """Ask S3, page after page; part of a list is no list.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        held: dict[str, Mapping[str, object]] = {}
        parameters = dict(owned(subject.source, ""))
        for _ in range(_PAGES):
            answer = await self._clients.call(
                "s3",
                subject.source_region,
                "list_bucket_inventory_configurations",
                principal,
                parameters,
            )
            page = answer or {}
            for item in _configurations(page):
                held[str(item["Id"])] = item
            if len(held) > _MOST:
                break
            if not part(page, "IsTruncated", bool):
                return HeldConfigurations(held)
            parameters["ContinuationToken"] = part(page, "NextContinuationToken", str)
        raise FactUnknown("error")


def _configurations(page: Mapping[str, Any]) -> Sequence[Mapping[str, object]]:
    found = [_kept(item, _SHAPE) for item in page.get("InventoryConfigurationList", ())]
    if not all(item.get("Id") for item in found):
        raise FactUnknown("error")
    return found


def _kept(item: Mapping[str, Any], shape: _Shape) -> dict[str, object]:
    """The members that have a place, of their kind and plain."""
    kept: dict[str, object] = {}
    for name, kind in shape.items():
        match (item.get(name), kind):
            case (dict(inner), dict()):
                kept[name] = _kept(inner, kind)
            case (str(text), type()) if kind is str:
                kept[name] = plain(text, _LONGEST)
            case (bool(flag), type()) if kind is bool:
                kept[name] = flag
            case (list(texts), type()) if kind is list:
                kept[name] = [plain(str(text), _LONGEST) for text in texts]
            case _:
                pass
    return kept
