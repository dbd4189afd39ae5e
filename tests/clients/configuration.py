"""An inventory configuration as clients say it: the SDKs' members, XML, the XML of R paws."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

OWNER = "111122223333"
STRANGER = "999988887777"
SOURCE = "acme-orders"
REGION = "eu-central-1"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_ARN = "arn:aws:s3:::"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a developer wants; the defaults break no rule."""

    id: str
    destination: str = "acme-inventory"
    account: str | None = OWNER
    prefix: str = "daily & <all>/ü"
    encrypted: bool = True
    fields: tuple[str, ...] = ("Size", "StorageClass")

    def shape(self) -> dict[str, Any]:
        """As the SDKs and the AWS CLI take it."""
        destination: dict[str, Any] = {
            "Bucket": f"{_ARN}{self.destination}",
            "Format": "Parquet",
            "Prefix": self.prefix,
        }
        if self.account is not None:
            destination["AccountId"] = self.account
        if self.encrypted:
            destination["Encryption"] = {"SSES3": {}}
        return {
            "Id": self.id,
            "IsEnabled": True,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Daily"},
            "OptionalFields": list(self.fields),
            "Destination": {"S3BucketDestination": destination},
        }

    def document(
        self, *, namespace: str = f' xmlns="{NAMESPACE}"', sse_s3: str = "SSE-S3"
    ) -> bytes:
        """As it goes over the wire.

        Args:
            namespace: the root's attribute; R paws writes none.
            sse_s3: the name of the element; R paws writes the SDKs' name of the member, SSES3.
        """
        account = "" if self.account is None else f"<AccountId>{self.account}</AccountId>"
        encryption = f"<Encryption><{sse_s3}/></Encryption>" if self.encrypted else ""
        fields = "".join(f"<Field>{field}</Field>" for field in self.fields)
        return (
            f"<InventoryConfiguration{namespace}><Destination><S3BucketDestination>"
            f"{account}<Bucket>{_ARN}{self.destination}</Bucket><Format>Parquet</Format>"
            f"<Prefix>{escape(self.prefix)}</Prefix>{encryption}"
            "</S3BucketDestination></Destination><IsEnabled>true</IsEnabled>"
            f"<Id>{self.id}</Id><IncludedObjectVersions>Current</IncludedObjectVersions>"
            f"<OptionalFields>{fields}</OptionalFields>"
            "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
        ).encode()

    @classmethod
    def from_shape(cls, shape: Mapping[str, Any]) -> "Configuration":
        """Read what an SDK or the AWS CLI returns."""
        destination = shape["Destination"]["S3BucketDestination"]
        return cls(
            id=shape["Id"],
            destination=destination["Bucket"].removeprefix(_ARN),
            account=destination.get("AccountId"),
            prefix=destination["Prefix"],
            encrypted="SSES3" in destination.get("Encryption", {}),
            fields=tuple(shape["OptionalFields"]),
        )

    @classmethod
    def from_document(cls, document: bytes) -> "Configuration":
        """Read an answer of GetBucketInventoryConfiguration."""
        root = etree.fromstring(document)
        destination = "{*}Destination/{*}S3BucketDestination/"
        return cls(
            id=root.findtext("{*}Id", ""),
            destination=root.findtext(f"{destination}{{*}}Bucket", "").removeprefix(_ARN),
            account=root.findtext(f"{destination}{{*}}AccountId"),
            prefix=root.findtext(f"{destination}{{*}}Prefix", ""),
            encrypted=root.find(f"{destination}{{*}}Encryption/{{*}}SSE-S3") is not None,
            fields=tuple(field.text or "" for field in root.iterfind("{*}OptionalFields/{*}Field")),
        )
