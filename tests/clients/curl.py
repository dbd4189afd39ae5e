"""curl with `--aws-sigv4`: it signs, and leaves all else to its user."""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gateway.core.sigv4.credential import Credential
from tests.clients.client import MissingClient, Refused
from tests.clients.configuration import REGION
from tests.clients.http_client import HttpClient, error_in, target_of

#: What `--fail-with-body` exits with where the status is 400 or more.
_HTTP_ERROR_EXIT = 22


class Curl(HttpClient):
    """curl, one process per call.

    Args:
        url: of the gateway.
        key: signs.
        folder: for bodies.
        declares_hash: type the header `x-amz-content-sha256`; curl then signs it.
    """

    def __init__(self, url: str, key: Credential, folder: Path, *, declares_hash: bool) -> None:
        program = shutil.which("curl")
        if program is None:
            raise MissingClient("curl is not installed: run `make tools`")
        self._program = program
        self._url = url
        self._user = f"{key.access_key_id}:{key.secret_access_key}"
        self._body = folder / "body"
        self._declares_hash = declares_hash

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes = b"",
        owner: str | None = None,
    ) -> bytes:
        """Send a request as a user would type it."""
        command = [self._program, "--silent", "--show-error", "--fail-with-body", "--path-as-is"]
        command += ["--disable", "--noproxy", "*", "--request", method]
        command += ["--aws-sigv4", f"aws:amz:{REGION}:s3", "--user", self._user]
        if body:
            self._body.write_bytes(body)
            command += ["--header", "Content-Type: application/xml"]
            command += ["--data-binary", f"@{self._body}"]
        if self._declares_hash:
            digest = hashlib.sha256(body).hexdigest()
            command += ["--header", f"x-amz-content-sha256: {digest}"]
        if owner is not None:
            command += ["--header", f"x-amz-expected-bucket-owner: {owner}"]
        done = subprocess.run(
            [*command, self._url + target_of(path, query)],
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode == _HTTP_ERROR_EXIT:
            code, _ = error_in(done.stdout)
            raise Refused(code, done.stdout.decode())
        assert done.returncode == 0, done.stderr
        return done.stdout
