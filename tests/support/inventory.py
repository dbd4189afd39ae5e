"""Inventory documents for the wire: one valid one, and ways to change it."""

from gateway.emulator.answer import NAMESPACE

ACCOUNT = "111122223333"
BUCKET = "arn:aws:s3:::acme-inventory"
SSE_S3 = "<Encryption><SSE-S3/></Encryption>"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0a1b2c3d-0000-4444-8888-0a1b2c3d4e5f"


def document(
    *,
    inventory_id: str = "inv-1",
    enabled: str = "true",
    bucket: str = BUCKET,
    account: str | None = ACCOUNT,
    report: str = "Parquet",
    prefix: str = "",
    encryption: str = SSE_S3,
    versions: str = "Current",
    frequency: str = "Daily",
    extra: str = "",
    fields: str = "",
    namespace: str = f' xmlns="{NAMESPACE}"',
) -> str:
    """A configuration; every part is markup, so that it can be anything."""
    owner = "" if account is None else f"<AccountId>{account}</AccountId>"
    return (
        f"<InventoryConfiguration{namespace}>"
        f"<Destination><S3BucketDestination>{owner}<Bucket>{bucket}</Bucket>"
        f"<Format>{report}</Format>{prefix}{encryption}</S3BucketDestination></Destination>"
        f"<IsEnabled>{enabled}</IsEnabled><Id>{inventory_id}</Id>"
        f"<IncludedObjectVersions>{versions}</IncludedObjectVersions>{fields}{extra}"
        f"<Schedule><Frequency>{frequency}</Frequency></Schedule></InventoryConfiguration>"
    )


VALID = document()


def sse_kms(key: str = KEY) -> str:
    """Encryption with a KMS key."""
    return f"<Encryption><SSE-KMS><KeyId>{key}</KeyId></SSE-KMS></Encryption>"


def optional_fields(*names: str) -> str:
    """OptionalFields."""
    return f"<OptionalFields>{''.join(f'<Field>{name}</Field>' for name in names)}</OptionalFields>"
