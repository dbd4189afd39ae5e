"""The configured upstream: nothing in a request or an answer can choose another authority."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from gateway.core.errors import AccessDenied
from gateway.core.s3.region import is_region


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where S3 is.

    Args:
        template: `https://s3.{region}.amazonaws.com`, or one fixed endpoint without `{region}`.
        region: the one Region to sign for; None means the bucket's own, which is looked up.
        regions: globs of the Regions that buckets may be in.

    Raises:
        ValueError: the template is not `http(s)://host[:port]`.
    """

    template: str
    region: str | None = None
    regions: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url("us-east-1"))
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise ValueError(
                f"{self.template!r} is not an endpoint: expected http(s)://host[:port], "
                "with {region} where the Region goes"
            )
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"{self.template!r} may hold neither query, fragment nor user")

    def region_for(self, bucket_region: str, claimed: str) -> str:
        """The Region to sign for: the configured one, the bucket's, or the client's.

        Args:
            bucket_region: as looked up; empty where it is not known.
            claimed: what the client signed for, held against the same globs already.

        Raises:
            AccessDenied: the bucket is in a Region that is none, or not on the list. The name comes
                from an answer, and an answer chooses no authority beyond the configured ones.
        """
        if self.region is not None:
            return self.region
        if not bucket_region:
            return claimed
        if not is_region(bucket_region, self.regions):
            raise AccessDenied(
                f"The bucket is in {bucket_region[:40]!r}, and this gateway reaches buckets in "
                f"{', '.join(self.regions)} only. Ask its operator for that Region."
            )
        return bucket_region

    def url(self, region: str) -> str:
        """Scheme and authority for a Region, without a trailing slash."""
        return self.template.replace("{region}", region)

    def authority(self, region: str) -> str:
        """The Host header: a default port is left out, as every HTTP client does."""
        return _authority(self.url(region))


@lru_cache(maxsize=256)  # one for each Region
def _authority(url: str) -> str:
    parts = urlsplit(url)
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return parts.netloc.removesuffix(default)
