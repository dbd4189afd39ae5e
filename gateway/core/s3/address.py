"""Where a request points: the service, a bucket, or an object. Keys are opaque.

Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from gateway.core.errors import RequestError
from gateway.core.s3.query import decode

# One way to match each character: two would make a hostile name of hyphens cost 2**n steps.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]", re.ASCII)
_IP = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)
#: Suffixes that name something else than a general-purpose bucket: an access point alias, an
#: Object Lambda alias, a directory bucket, its access point, a Multi-Region Access Point.
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", "--x-s3", "--xa-s3", "--table-s3", ".mrap")
#: The first path segment of S3 Control (jobs, Storage Lens), which leaks what inventories leak.
_CONTROL_PATH = "v20180820"
_MAX_NAME_LENGTH = 63
_MAX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Root:
    """The service itself: `/`."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket: `/b`, `/b/`, or `/` under a virtual host."""

    bucket: str


@dataclass(frozen=True, slots=True)
class Object:
    """An object. `raw_key` is the key as it arrived, still percent-encoded; `key` is decoded."""

    bucket: str
    key: str
    raw_key: str


S3Path = Root | Bucket | Object


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names under which the gateway may be spoken to.

    Args:
        names: globs of host names for path-style requests, lower case and without port.
        suffixes: `.s3.example.org` makes `b.s3.example.org` mean bucket `b`.
    """

    names: Sequence[str]
    suffixes: Sequence[str] = ()

    def bucket_of(self, host: str) -> str | None:
        """The bucket that a Host header names (virtual-hosted style), or None for path style.

        Raises:
            RequestError: the name is not one of this gateway's.
        """
        name = _host_name(host)
        for suffix in self.suffixes:
            if name.endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)]
        # the name itself first: to fnmatch the brackets of an IPv6 literal are a character class
        if name in self.names or any(fnmatchcase(name, pattern) for pattern in self.names):
            return None
        raise RequestError(
            "InvalidRequest",
            f"This gateway does not answer for the host {name[:255]!r}. Use path-style addressing "
            "on one of its own names, or have its operator add the name to the setting `hosts` "
            "(path style) or `virtual_host_suffixes` (bucket.host style).",
        )


def _host_name(host: str) -> str:
    """Lower case, without port and without the trailing dot of a rooted name."""
    name = host.strip().lower()
    if name.startswith("["):  # an IPv6 literal keeps its colons
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def locate(raw_path: str, virtual_bucket: str | None) -> S3Path:
    """Read the raw path of an origin-form target.

    Args:
        raw_path: as received, begins with a slash, no query.
        virtual_bucket: the bucket that the Host header names, if any.

    Raises:
        RequestError: InvalidBucketName, InvalidURI or KeyTooLongError.
    """
    if virtual_bucket is not None:
        bucket, raw_key = virtual_bucket, raw_path[1:]
    else:
        bucket, _, raw_key = raw_path[1:].partition("/")
        if not bucket and not raw_key and raw_path == "/":
            return Root()
    check_bucket_name(bucket)
    if not raw_key:
        return Bucket(bucket)
    key = decode(raw_key)
    if "\x00" in key:
        raise RequestError("InvalidURI", "Couldn't parse the specified URI: the key holds a NUL.")
    if len(key.encode()) > _MAX_KEY_BYTES:
        raise RequestError("KeyTooLongError", "Your key is too long: at most 1,024 bytes in UTF-8.")
    return Object(bucket, key, raw_key)


def check_bucket_name(name: str) -> None:
    """Let pass the name of a general-purpose bucket, written without escapes.

    Raises:
        RequestError: InvalidBucketName.
    """
    if is_bucket_name(name):
        return
    raise RequestError(
        "InvalidBucketName",
        "The specified bucket is not valid. The gateway takes names of general-purpose buckets "
        "(3 to 63 of a-z, 0-9, dot and hyphen), no ARNs, aliases, access points or directory "
        "buckets.",
        members={"BucketName": name[:255]},
    )


def is_bucket_name(name: str) -> bool:
    """Whether this is the name of a general-purpose bucket."""
    return len(name) <= _MAX_NAME_LENGTH and _reads_as_bucket_name(name)


@lru_cache(maxsize=4096)  # a client repeats a handful of them
def _reads_as_bucket_name(name: str) -> bool:
    return (
        _NAME.fullmatch(name) is not None
        and _IP.fullmatch(name) is None
        and not name.endswith(_RESERVED_SUFFIXES)
        and name != _CONTROL_PATH
    )
