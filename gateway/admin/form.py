"""The playground's form: read under limits, into something to try out."""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from gateway.admin.ports import Attempt
from gateway.core.inventory.document import MAX_DOCUMENT_BYTES

_TYPE: Final = "application/x-www-form-urlencoded"
#: Each byte of a configuration may take three in a form; the other members are small.
_MAX_BYTES: Final = 3 * MAX_DOCUMENT_BYTES + 8 * 1024
_MAX_MEMBERS: Final = 16
_SECONDS: Final = 10.0
_MAX_TEXT: Final = 255


class FormError(ValueError):
    """The form cannot be taken; the text says why."""


async def read_attempt(request: web.Request) -> Attempt:
    """Read the form, all of it, soon.

    Raises:
        FormError: it is none, too large, or does not come.
    """
    if request.content_type != _TYPE or hdrs.CONTENT_ENCODING in request.headers:
        raise FormError("The playground takes its own form only.")
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise FormError(f"A configuration has at most {MAX_DOCUMENT_BYTES} bytes.")
    except TimeoutError:
        raise FormError("The form did not arrive.") from None
    return attempt_of(_members(bytes(body)))


def attempt_of(members: Mapping[str, str]) -> Attempt:
    """The members of the form as an attempt; texts that cannot be meant are cut."""

    def text(name: str) -> str:
        return members.get(name, "").strip()[:_MAX_TEXT]

    return Attempt(
        # Forms end lines with CR LF, whatever was pasted.
        document=members.get("document", "").replace("\r\n", "\n"),
        bucket=text("bucket"),
        principal=text("principal"),
        look_up="look_up" in members,
        source_region=text("source_region"),
        destination_region=text("destination_region"),
        owner_verified="owner_verified" in members,
    )


def _members(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_MAX_MEMBERS,
        )
    except ValueError:
        raise FormError("The playground takes its own form only.") from None
    return dict(pairs)
