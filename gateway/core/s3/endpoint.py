"""The configured upstream: nothing in a request or an answer can choose another authority."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where S3 is.

    Args:
        template: `https://s3.{region}.amazonaws.com`, or one fixed endpoint without `{region}`.
        region: the one Region to sign for; None means the bucket's own, which is looked up.

    Raises:
        ValueError: the template is not `http(s)://host[:port]`.
    """

    template: str
    region: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url("us-east-1"))
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise ValueError(
                f"{self.template!r} is not an endpoint: expected http(s)://host[:port], "
                "with {region} where the Region goes"
            )
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"{self.template!r} may hold neither query, fragment nor user")

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
