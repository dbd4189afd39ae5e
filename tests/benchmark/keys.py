"""The two pairs of keys: of the client, which only the gateway verifies, and towards the stub."""

from collections.abc import Mapping

from gateway.core.sigv4.credential import Credential

REGION = "us-east-1"
CLIENT = Credential("GWBENCHMARK000000000", "benchmark-secret-0123456789")
UPSTREAM: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIDBENCHMARK",
    "AWS_SECRET_ACCESS_KEY": "upstream-secret-0123",
}
