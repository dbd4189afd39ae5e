"""One call in front of everything the emulator holds: who asks, of which bucket, may they?"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.emulator.bucket import DEFAULT_OWNER, EmulatedBucket
from gateway.emulator.errors import S3Error
from gateway.emulator.request import S3Call
from gateway.emulator.signature import Claim

_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(slots=True)
class State:
    """Everything that outlives a request."""

    buckets: dict[str, EmulatedBucket]
    accounts: Mapping[str, str]
    clock: Callable[[], datetime]
    deny_head_bucket: set[str] = field(default_factory=set)
    hide_region: set[str] = field(default_factory=set)
    denied_reads: set[str] = field(default_factory=set)

    def regions(self) -> set[str]:
        """The regions of the buckets; us-east-1 is always there."""
        return {bucket.region for bucket in self.buckets.values()} | {"us-east-1"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A verified call and the state it acts on."""

    call: S3Call
    claim: Claim
    state: State

    @property
    def account(self) -> str | None:
        """The account of the caller; None for a caller that may use every bucket."""
        return self.state.accounts.get(self.claim.access_key_id)

    @property
    def owner(self) -> str:
        """The account that owns what this caller creates."""
        return self.account or DEFAULT_OWNER

    def now(self) -> datetime:
        """The time S3 stores: whole seconds."""
        return self.state.clock().replace(microsecond=0)

    def bucket(self) -> EmulatedBucket:
        """The bucket of the path, which the caller may use and whose owner is as expected."""
        return self.usable(self.call.bucket or "", "x-amz-expected-bucket-owner")

    def usable(self, name: str, owner_header: str) -> EmulatedBucket:
        """Any bucket of the call: that of the path, or that of a copy source."""
        bucket = self.state.buckets.get(name)
        if bucket is None:
            raise S3Error("NoSuchBucket", members={"BucketName": name})
        expected = self.call.header(owner_header)
        if expected is not None and not _ACCOUNT.fullmatch(expected):
            raise S3Error(
                "InvalidBucketOwnerAWSAccountID",
                f"The value of the expected bucket owner parameter must be an AWS Account ID... "
                f"[{expected}]",
            )
        if self.account not in {None, bucket.owner} or expected not in {None, bucket.owner}:
            raise S3Error("AccessDenied")
        return bucket


def canonical_id(account: str) -> str:
    """A stand-in for the canonical user id of an account: 64 hex digits."""
    return hashlib.sha256(account.encode()).hexdigest()
