"""URLs that boto3 signs for somebody who has nothing but HTTP."""

from collections.abc import Callable
from typing import Any

import urllib3

from tests.servers.boto3_script import BODY, Boto, Table
from tests.servers.compare import comparable, digest, headers
from tests.servers.stage import boto3_client

OPERATIONS = Table()
#: Headers that differ where a URL does not verify, since that answer is the gateway's own.
_OWN = {"server": "it names the gateway"}


@OPERATIONS.entry(
    refused="SignatureDoesNotMatch SignatureDoesNotMatch SignatureDoesNotMatch NoSuchKey"
)
def presigned(s3: Boto) -> Any:
    """GET with overrides and PUT, with signed headers and without; a spoilt signature."""
    answers: list[Any] = []
    pool = urllib3.PoolManager(ca_certs=s3.side.ca and str(s3.side.ca), retries=False, timeout=30)
    with boto3_client(s3.side, signature_version="s3v4") as signer, pool:

        def send(
            method: str,
            what: str,
            body: bytes | None = None,
            *,
            sent: dict[str, str] | None = None,
            spoil: Callable[[str], str] = str,
            verifies: bool = True,
            **more: Any,
        ) -> None:
            url = signer.generate_presigned_url(
                what, {"Bucket": s3.side.bucket, **more}, ExpiresIn=300
            )
            answer = pool.request(method, spoil(url), body=body, headers=sent or {})
            shown = headers(dict(answer.headers), s3.side)
            if not verifies:
                shown = {name: value for name, value in shown.items() if name not in _OWN}
            got: dict[str, Any] = {"status": answer.status, "headers": shown}
            if answer.status >= 400:
                got["error"] = _code(answer.data)
            elif answer.headers.get("Content-Type", "").startswith("application/xml"):
                got["body"] = comparable(answer.data.decode(), s3.side)
            else:
                got["body"] = digest(answer.data)
            answers.append(got)

        key = "a b+ü!*'().csv"
        send("PUT", "put_object", BODY, Key=key)
        send("GET", "get_object", Key=key)
        send("GET", "get_object", Key=key, ResponseContentType="text/x; charset=utf-8")
        send("GET", "get_object", Key=key, sent={"Range": "bytes=3-9"})
        send("HEAD", "head_object", Key=key)
        typed: dict[str, Any] = {
            "Key": "typed",
            "ContentType": "text/csv",
            "Metadata": {"one": "1"},
        }
        signed = {"Content-Type": "text/csv", "x-amz-meta-one": "1"}
        send("PUT", "put_object", BODY, **typed, sent=signed)
        send("GET", "get_object", Key="typed")
        other = {**signed, "Content-Type": "text/other"}
        send("PUT", "put_object", BODY, **typed, sent=other, verifies=False)
        send("GET", "get_object", Key="typed", spoil=_with_another_signature, verifies=False)
        send("GET", "get_object", Key="other", spoil=_with_another_key, verifies=False)
        send("GET", "list_objects_v2", Prefix="t")
        send("DELETE", "delete_object", Key="typed")
        send("GET", "get_object", Key="typed")
    return answers


def _with_another_signature(url: str) -> str:
    return url[:-1] + ("0" if url[-1] != "0" else "1")


def _with_another_key(url: str) -> str:
    return url.replace("/other?", "/typed?")


def _code(document: bytes) -> str:
    return document.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
