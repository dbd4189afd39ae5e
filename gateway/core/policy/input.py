"""The input document `inventory.input/1`: everything policy may know, and nothing raw.

A fact that is not known is a member that is not there: that a bucket has no tags is not the same
as nobody having looked. The shape is published as `policies/schemas/input.json`; a test holds the
two together.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import InventoryConfiguration
from gateway.core.policy.fact import LookedUp, Subject

SCHEMA: Final = "inventory.input/1"
PUT_ACTION: Final = "s3:PutInventoryConfiguration"
#: IAM uses the Put action for both; policy can tell them apart.
DELETE_ACTION: Final = "s3:DeleteInventoryConfiguration"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_MAX_TEXT: Final = 256


@dataclass(frozen=True, slots=True)
class BucketFact:
    """What the gateway itself looked up about a bucket.

    Args:
        bucket: its name.
        region: where it is; empty where that could not be learned.
        known: whether the bucket exists and its Region is known.
        exists: False where S3 said that there is no such bucket.
        owner_verified: whether S3 confirmed that `account` owns it.
        account: the account that was asked about, if any.
        age_seconds: time since the look-up.
    """

    bucket: str
    region: str = ""
    known: bool = False
    exists: bool = True
    owner_verified: bool = False
    account: str = ""
    age_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, verified."""

    name: str
    mechanism: str
    access_key_id: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """When and where the question is asked. Time is an argument: policies never read a clock."""

    time_ns: int
    gateway: str
    mode: str = "enforce"
    stage: str = ""


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """One question to policy.

    Args:
        action: what is asked for, put or delete.
        request_id: the gateway's own.
        api: the S3 operation.
        method: the HTTP method.
        region: that the client signed for.
        source_ip: the client's address.
        user_agent: as sent.
        expected_bucket_owner: as sent; empty where it was not.
        requester: who asks.
        source: the bucket that is listed.
        environment: when and where.
        inventory_id: the id that is asked for.
        configuration: what would be written; None for a removal.
        destination: the bucket that would receive reports; None for a removal.
        further: the optional facts that were looked up, or that could not be.
    """

    action: str
    request_id: str
    api: str
    method: str
    region: str
    source_ip: str
    user_agent: str
    expected_bucket_owner: str
    requester: Requester
    source: BucketFact
    environment: Environment
    inventory_id: str
    configuration: InventoryConfiguration | None = None
    destination: BucketFact | None = None
    further: tuple[LookedUp, ...] = ()

    def document(self) -> dict[str, object]:
        """The JSON document. Free text from the client is bounded and loses control characters."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "action": self.action,
            "request": {
                "id": self.request_id,
                "configuration_id": self.inventory_id,
                "api": self.api,
                "method": self.method,
                "region": self.region,
                "source_ip": self.source_ip,
                "user_agent": plain(self.user_agent),
                "expected_bucket_owner": self.expected_bucket_owner,
                "dry_run": False,
            },
            "principal": {
                "authenticated": True,
                "name": self.requester.name,
                "method": self.requester.mechanism,
                "access_key_id": self.requester.access_key_id,
                "account": "",
                "arn": "",
                "groups": list(self.requester.groups),
                "tags": {},
            },
            "source": _source(self.source),
            "environment": {
                "time_ns": self.environment.time_ns,
                "gateway": self.environment.gateway,
                "mode": self.environment.mode,
                "stage": self.environment.stage,
            },
        }
        if self.configuration is not None:
            document["configuration"] = self.configuration.as_boto3()
        if self.destination is not None:
            document["destination"] = _destination(self.destination)
        for looked_up in self.further:
            for pointer, value in looked_up.members.items():
                *parents, member = pointer.removeprefix("/").split("/")
                section = document[parents[0]] if parents else document
                section[member] = value
        if self.further:
            document["facts"] = {
                looked_up.fact.value: _age(looked_up) for looked_up in self.further
            }
        return document


def subject_of(
    source: BucketFact,
    destination: BucketFact | None,
    configuration: InventoryConfiguration | None,
    inventory_id: str,
) -> Subject:
    """What optional facts are looked up about: what is known of both buckets, and what is asked.

    Args:
        source: the bucket that is listed; its `account`, where S3 has confirmed it.
        destination: the bucket that would receive reports; None for a removal.
        configuration: what would be written; None for a removal.
        inventory_id: the id that is asked for.
    """
    subject = Subject(
        source=source.bucket,
        source_region=source.region,
        source_account=source.account,
        inventory_id=inventory_id,
    )
    if destination is None or configuration is None or not destination.known:
        return subject
    return replace(
        subject,
        destination=destination.bucket,
        destination_region=destination.region,
        destination_account=destination.account if destination.owner_verified else "",
        prefix=configuration.destination.prefix or "",
        encryption=configuration.destination.encryption,
    )


def check_expected_owner(value: str | None) -> str:
    """Read `x-amz-expected-bucket-owner`.

    Raises:
        RequestError: InvalidBucketOwnerAWSAccountID, in S3's words.
    """
    if value is None:
        return ""
    if _ACCOUNT.fullmatch(value) is None:
        raise RequestError(
            "InvalidBucketOwnerAWSAccountID",
            "The value of the expected bucket owner parameter must be an AWS account ID... "
            f"[{plain(value, 40)}]",
        )
    return value


def is_account_id(text: str | None) -> bool:
    """Whether this is an account id: twelve digits."""
    return text is not None and _ACCOUNT.fullmatch(text) is not None


def plain(text: str, limit: int = _MAX_TEXT) -> str:
    """One bounded line: control characters and lone surrogates become question marks."""
    return _CONTROL.sub("?", text[:limit])


def _age(looked_up: LookedUp) -> dict[str, object]:
    if looked_up.unknown:
        return {"unknown": looked_up.unknown}
    return {"age_seconds": looked_up.age_seconds}


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _source(fact: BucketFact) -> dict[str, object]:
    return {
        "bucket": fact.bucket,
        "arn": _arn(fact.bucket),
        "region": fact.region,
        "account": fact.account,
        "known": fact.known,
        "facts_age_seconds": fact.age_seconds,
    }


def _destination(fact: BucketFact) -> dict[str, object]:
    return {
        "bucket": fact.bucket,
        "arn": _arn(fact.bucket),
        "region": fact.region,
        "account": fact.account,
        "known": fact.known,
        "facts_age_seconds": fact.age_seconds,
        "owner_verified": fact.owner_verified,
    }
