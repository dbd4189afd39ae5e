"""The requests that real clients sent: `tests/vectors/captures.tar.xz` as typed records."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

_ARCHIVE = Path(__file__).resolve().parents[1] / "vectors" / "captures.tar.xz"


@dataclass(frozen=True, slots=True)
class Capture:
    """One request as it came over the wire.

    Args:
        file: its name in the archive, `client/case.http`.
        head: request line and header lines.
        wire_body: the body with its transfer coding, cut in the middle if it was long.
        index: what the index says of it.
    """

    file: str
    head: bytes = field(repr=False)
    wire_body: bytes = field(repr=False)
    index: Mapping[str, Any] = field(repr=False)

    @property
    def client(self) -> str:
        """The client set-up that sent it."""
        return str(self.index["client"])

    @property
    def case(self) -> str:
        """What the client was asked to do."""
        return str(self.index["case"])

    @property
    def auth(self) -> str:
        """`sigv4-header`, `sigv4-query`, `sigv2-header`, `sigv2-query`, `bearer` or `none`."""
        return str(self.index["auth"])

    @property
    def signature_ok(self) -> bool | None:
        """Whether an independent checker reproduced the signature; None where it was not asked."""
        answer = self.index.get("signature_ok")
        return None if answer is None else bool(answer)

    @property
    def is_truncated(self) -> bool:
        """Whether the middle of the body is missing."""
        return "truncated" in self.index

    @property
    def method(self) -> str:
        """The method, as sent."""
        return self._request_line[0]

    @property
    def target(self) -> str:
        """The request target, as sent."""
        return self._request_line[1]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header lines in order, one character per byte, less the white space around values."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [
            (name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines)
        ]

    @property
    def host(self) -> str:
        """The Host header."""
        return next(value for name, value in self.headers if name.lower() == "host")

    @property
    def virtual_host_suffix(self) -> str | None:
        """`.example.com` where the bucket is in the Host header; None for path style."""
        if self.index["style"] == "path":
            return None
        return "." + self.host.partition(":")[0].partition(".")[2]

    @property
    def body(self) -> bytes:
        """The body without its transfer coding; aws-chunked framing is still on."""
        if not self.index.get("transfer_encoding_chunked"):
            return self.wire_body
        body, rest = b"", self.wire_body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            body, rest = body + rest[:length], rest[length + 2 :]
        return body

    @property
    def _request_line(self) -> list[str]:
        return self.head.partition(b"\r\n")[0].decode("latin-1").split(" ")


@dataclass(frozen=True, slots=True)
class Captures:
    """Everything in the archive.

    Args:
        requests: in the order of the index.
        secrets: access key id -> secret access key; dummies.
    """

    requests: tuple[Capture, ...]
    secrets: Mapping[str, str]


@lru_cache(maxsize=1)
def load_captures() -> Captures:
    """Read the archive, once in the life of a process."""
    with tarfile.open(_ARCHIVE) as archive:
        files = {
            member.name.removeprefix("captures/"): file.read()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }
    index = json.loads(files["index.json"])
    requests = tuple(_capture(files[entry["file"]], entry) for entry in index["captures"])
    secrets = {key: entry["secret_access_key"] for key, entry in index["credentials"].items()}
    return Captures(requests, secrets)


def _capture(raw: bytes, entry: Mapping[str, Any]) -> Capture:
    head, _, body = raw.partition(b"\r\n\r\n")
    return Capture(entry["file"], head, body, entry)
