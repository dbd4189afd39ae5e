"""Answers and refusals as aiohttp responses: the ids, `Server`, `Date`, and nothing uninvited."""

import base64
import secrets
from collections.abc import Callable
from datetime import datetime

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from gateway.emulator.answer import Answer, http_time
from gateway.emulator.errors import S3Error

# Every character a real request id was seen with.
_ID_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BODYLESS = frozenset({204, 304})


class _PlainResponse(web.Response):
    """A response that keeps the absence of a Content-Type: S3 sends none on inventory answers."""

    def __init__(self, status: int, headers: CIMultiDict[str], body: bytes) -> None:
        super().__init__(status=status, headers=headers, body=body)
        self._typed = hdrs.CONTENT_TYPE in headers

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        if not self._typed:
            self.headers.popall(hdrs.CONTENT_TYPE, None)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        # 204 and 304 of S3 carry no length either.
        if self.status in _BODYLESS:
            self.headers.popall(hdrs.CONTENT_LENGTH, None)
        return await super().prepare(request)


class Renderer:
    """Dresses answers for the wire."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def answer(self, answer: Answer) -> web.StreamResponse:
        """A success."""
        return _PlainResponse(answer.status, self._headers(*_ids(), answer.headers), answer.body)

    def error(self, request: web.BaseRequest, error: S3Error, *, close: bool) -> web.StreamResponse:
        """A refusal: the error document in HTTP chunks, as S3 sends it; nothing for HEAD."""
        request_id, host_id = _ids()
        declared = (("Content-Type", "application/xml"), *error.headers)
        headers = self._headers(request_id, host_id, declared)
        names = request.raw_path.partition("?")[2].split("&")
        inventory = any(name.partition("=")[0] == "inventory" for name in names)
        body = error.document(request_id, host_id, prolog=not inventory)
        head = request.method == "HEAD"
        response = _PlainResponse(error.status, headers, b"" if head else body)
        if not head and request.version >= (1, 1):
            response.enable_chunked_encoding()
        if close:
            response.force_close()
        return response

    def _headers(
        self, request_id: str, host_id: str, more: tuple[tuple[str, str], ...]
    ) -> CIMultiDict[str]:
        headers = CIMultiDict(
            {
                "x-amz-id-2": host_id,
                "x-amz-request-id": request_id,
                "Date": http_time(self._clock()),
                "Server": "AmazonS3",
            }
        )
        headers.extend(more)
        return headers


def _ids() -> tuple[str, str]:
    request_id = "".join(secrets.choice(_ID_CHARACTERS) for _ in range(16))
    return request_id, base64.b64encode(secrets.token_bytes(72)).decode()
