"""R paws 0.8, without R: its requests byte for byte, signed anew over the headers that it signs."""

import hashlib
import hmac
import http.client
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gateway.core.sigv4.credential import Credential
from tests.clients.client import Refused
from tests.clients.configuration import REGION, Configuration
from tests.clients.http_client import HttpClient, error_in, target_of

#: Lines that every captured request has, in their order and case.
_LINES = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "deflate, gzip, br, zstd"),
    ("User-Agent", "paws/0.8.10 (R4.2.2; linux-gnu; x86_64)"),
)


class Paws(HttpClient):
    """paws writes no namespace, `SSES3` for SSE-S3, and signs Content-Length on every request."""

    def __init__(self, url: str, key: Credential, region: str = REGION) -> None:
        self._host = urlsplit(url).netloc
        self._key = key
        self._region = region

    def document(self, wanted: Configuration) -> bytes:
        """The configuration as paws serialises it."""
        return wanted.document(namespace="", sse_s3="SSES3")

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes = b"",
        owner: str | None = None,
    ) -> bytes:
        """Send a request as paws does."""
        lines = [*_LINES]
        if owner is not None:
            lines.append(("x-amz-expected-bucket-owner", owner))
        lines.append(("Content-Length", str(len(body))))
        signed = {"content-length", *(name for name, _ in lines if name.startswith("x-amz-"))}
        return self.replay(method, target_of(path, query), lines, body, signed)

    def replay(
        self,
        method: str,
        target: str,
        lines: Sequence[tuple[str, str]],
        body: bytes,
        signed: set[str],
    ) -> bytes:
        """Send header lines as they are, with a host, a date and a signature of today.

        Args:
            method: the method.
            target: the request target, byte for byte.
            lines: header lines but for Host, the date, the payload hash and Authorization.
            body: the body.
            signed: lower-case names among `lines` that are signed.
        """
        digest = hashlib.sha256(body).hexdigest()
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        own = [("X-Amz-Date", moment), ("X-Amz-Content-Sha256", digest)]
        covered = [line for line in lines if line[0].lower() in signed]
        authorization = self._authorization(
            method, target, [("Host", self._host), *covered, *own], digest, moment
        )
        with closing(http.client.HTTPConnection(self._host, timeout=30)) as connection:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in (*lines, *own, ("Authorization", authorization)):
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            code, message = error_in(content)
            raise Refused(code, f"{code} (HTTP {answer.status}). {message}")
        return content

    def _authorization(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        digest: str,
        moment: str,
    ) -> str:
        """Sign with SigV4; the target's query is sorted and escaped already."""
        path, _, query = target.partition("?")
        values = sorted((name.lower(), value) for name, value in headers)
        names = ";".join(name for name, _ in values)
        block = "".join(f"{name}:{value}\n" for name, value in values)
        canonical = f"{method}\n{path}\n{query}\n{block}\n{names}\n{digest}"
        scope = (moment[:8], self._region, "s3", "aws4_request")
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256", moment, "/".join(scope), hashed))
        signing_key = f"AWS4{self._key.secret_access_key}".encode()
        for part in scope:
            signing_key = hmac.digest(signing_key, part.encode(), "sha256")
        signature = hmac.digest(signing_key, text.encode(), "sha256").hex()
        credential = "/".join((self._key.access_key_id, *scope))
        return (
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, "
            f"Signature={signature}"
        )
