"""What is stored: buckets, their objects, their unfinished uploads and their inventories."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

DEFAULT_OWNER = "111122223333"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object. `headers` are the system headers it returns, `metadata` the user's own."""

    body: bytes
    etag: str
    last_modified: datetime
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    checksum: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Upload:
    """A multipart upload that was neither completed nor aborted."""

    key: str
    initiated: datetime
    headers: dict[str, str]
    metadata: dict[str, str]
    tags: tuple[tuple[str, str], ...]
    parts: dict[int, StoredObject] = field(default_factory=dict)


@dataclass(slots=True)
class EmulatedBucket:
    """A bucket with its region and the account that owns it."""

    name: str
    region: str = "us-east-1"
    owner: str = DEFAULT_OWNER
    created: datetime = _EPOCH
    objects: dict[str, StoredObject] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    # inventory id -> the document as GetBucketInventoryConfiguration returns it
    inventories: dict[str, bytes] = field(default_factory=dict)
    # JSON; empty where there is none
    policy: str = ""
    # the four parts by name; None where there is no such configuration
    public_access_block: dict[str, bool] | None = None
    # algorithm and KMS key: real buckets have had AES256 since 2023
    encryption: tuple[str, str] = ("AES256", "")
    tags: dict[str, str] = field(default_factory=dict)
    # Enabled, Suspended, or empty where it was never switched on
    versioning: str = ""
