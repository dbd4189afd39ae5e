"""What every answer of the page carries, and which pages may post to it or hold its streams."""

from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

#: Scripts and styles are the page's own files; nothing is inline, nothing comes from elsewhere.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TYPES: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_FETCH_SITE: Final = "Sec-Fetch-Site"


def secured(response: web.StreamResponse) -> web.StreamResponse:
    """Put the headers on; to be called before anything is sent."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


def html(text: str, status: int = 200) -> web.Response:
    """A page."""
    response = web.Response(
        body=text.encode(errors="replace"), status=status, content_type="text/html", charset="utf-8"
    )
    secured(response)
    return response


def static(name: str) -> web.Response:
    """A file of the page's own.

    Raises:
        HTTPNotFound: there is none of that name; a path is no name.
    """
    if name not in _TYPES:
        raise web.HTTPNotFound
    body = files("gateway.admin").joinpath("static", name).read_bytes()
    response = web.Response(body=body, content_type=_TYPES[name], charset="utf-8")
    secured(response)
    return response


def is_same_origin(request: web.Request) -> bool:
    """Whether a form was posted, or a stream asked for, from this very page.

    Browsers name the site (https://www.w3.org/TR/fetch-metadata/) where it is loopback or TLS, and
    the origin with every POST (https://fetch.spec.whatwg.org/#origin-header). What names neither is
    no browser, and has to know the listener's secret by itself.
    """
    site = request.headers.get(_FETCH_SITE)
    if site is not None:
        return site == "same-origin"
    origin, host = request.headers.get(hdrs.ORIGIN), request.headers.get(hdrs.HOST, "")
    return origin is None or (host != "" and urlsplit(origin).netloc == host)
