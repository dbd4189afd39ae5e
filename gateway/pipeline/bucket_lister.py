"""ListBuckets for principals that may see some of the account's buckets only.

S3 knows the gateway's role, not the principal, and lists them all. So the list is read whole and
written anew with the names that the principal's globs match; what cannot be read is not passed on.
The pages are the gateway's own: S3's would be of uneven length, and the token of other servers is
the name of a bucket that the principal may not see.
"""

import re
from fnmatch import fnmatchcase
from typing import Final

from gateway.core.errors import RequestError, UpstreamUnavailable
from gateway.core.ports import Clock, Principal, Upstream, UpstreamCredentials, UpstreamRequest
from gateway.core.s3.bucket_list import (
    BucketPage,
    ListedBucket,
    Texts,
    read_bucket_page,
    write_bucket_list,
)
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import Query, encode, parse_query
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.claim import PRESIGN_PARAMETERS, Claim
from gateway.core.sigv4.outgoing import sign_request
from gateway.core.sigv4.payload import EMPTY_SHA256
from gateway.pipeline.answers import SmallAnswer, read_small_answer

_EVERY_BUCKET: Final = "*"
_OURS: Final = PRESIGN_PARAMETERS | {"max-buckets", "continuation-token"}
#: Buckets of a page of S3's: some 200 bytes each; all of them are read in some 7 ms.
_PAGE: Final = 1000
_MAX_PAGES: Final = 100
_MAX_PAGE_BYTES: Final = 1024 * 1024
_MOST: Final = 10_000
_LIMIT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_OK: Final = 200
#: What says where the answer comes from; the rest describes a body that is not passed on.
_PASSED_ON: Final = frozenset({"date", "server", "x-amz-id-2", "x-amz-request-id"})


def sees_every_bucket(principal: Principal) -> bool:
    """Whether nothing has to be left out of the list."""
    return _EVERY_BUCKET in principal.buckets


class BucketLister:
    """Lists the buckets that a principal may see.

    Args:
        upstream: S3.
        credentials: the gateway's own, per principal.
        endpoint: where S3 is.
        clock: the wall clock, aware.
    """

    def __init__(
        self,
        upstream: Upstream,
        credentials: UpstreamCredentials,
        endpoint: Endpoint,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._credentials = credentials
        self._endpoint = endpoint
        self._clock = clock

    async def answer(self, request: S3Request, claim: Claim, principal: Principal) -> SmallAnswer:
        """Ask S3 for all pages, and keep what may be seen.

        Args:
            request: as received; its `prefix` and `bucket-region` are S3's to heed.
            claim: verified; its Region is asked where none is configured.
            principal: whose list it is.

        Returns:
            The list, or S3's own error.

        Raises:
            RequestError: InvalidArgument: `max-buckets` is not 1 to 10000, `prefix` holds what no
                name does, or one of them is given twice.
            UpstreamUnavailable: S3's answer is not a list of buckets, or far too long.
        """
        limit = _limit(request.query.one("max-buckets"))
        after = request.query.one("continuation-token") or ""
        prefix = request.query.one("prefix")
        if prefix is not None and not prefix.isprintable():  # XML could not hold it
            raise RequestError(
                "InvalidArgument",
                "Argument prefix must be the beginning of a bucket's name",
                members={"ArgumentName": "prefix"},
            )
        region = self._endpoint.region_for("", claim.access_key.scope.region)
        query = request.query.without(_OURS)
        found: list[ListedBucket] = []
        owner: Texts = ()
        token = ""
        for _ in range(_MAX_PAGES):
            answer = await self._ask(_page_query(query, token), principal, region)
            if answer.status != _OK:
                return answer
            page = _read(answer)
            found += (
                bucket
                for bucket in page.buckets
                if bucket.name > after and _may_see(principal, bucket.name)
            )
            owner, token = page.owner or owner, page.token
            if not token:
                break
        else:
            raise UpstreamUnavailable("answer_too_large", detail="too many pages of buckets")
        found.sort(key=lambda bucket: bucket.name)
        more = found[limit - 1].name if len(found) > limit else ""
        body = write_bucket_list(found[:limit], owner, prefix=prefix, token=more)
        kept = tuple((name, value) for name, value in answer.headers if name in _PASSED_ON)
        return SmallAnswer(_OK, (*kept, ("content-type", "application/xml")), body)

    async def _ask(self, query: Query, principal: Principal, region: str) -> SmallAnswer:
        """One page; nothing of the client's head goes along."""
        credential = await self._credentials.for_principal(principal)
        signed = sign_request(
            "GET",
            self._endpoint,
            region,
            "/",
            query,
            (),
            EMPTY_SHA256,
            credential=credential,
            now=self._clock(),
        )
        outgoing = UpstreamRequest("GET", signed.url, signed.headers)
        async with self._upstream.send(outgoing) as response:
            return await read_small_answer(response, "GET", _MAX_PAGE_BYTES)


def _read(answer: SmallAnswer) -> BucketPage:
    """Understand a page, or refuse it.

    Raises:
        UpstreamUnavailable: it is encoded, or no list of buckets.
    """
    codings = {value for name, value in answer.headers if name == "content-encoding"}
    if not codings <= {"identity"}:
        raise UpstreamUnavailable("answer_malformed", detail="a Content-Encoding")
    try:
        return read_bucket_page(answer.body)
    except ValueError as fault:
        raise UpstreamUnavailable("answer_malformed", detail=str(fault)) from None


def _may_see(principal: Principal, bucket: str) -> bool:
    return any(fnmatchcase(bucket, glob) for glob in principal.buckets)


def _page_query(query: Query, token: str) -> Query:
    following = f"&continuation-token={encode(token)}" if token else ""
    ours = parse_query(f"max-buckets={_PAGE}{following}")
    return Query((*query.parameters, *ours.parameters))


def _limit(text: str | None) -> int:
    """`max-buckets`; where it is not given, S3's own upper bound.

    Raises:
        RequestError: InvalidArgument.
    """
    if text is None:
        return _MAX_PAGES * _PAGE
    if _LIMIT.fullmatch(text) is not None and int(text) <= _MOST:
        return int(text)
    raise RequestError(
        "InvalidArgument",
        f"Argument max-buckets must be an integer between 1 and {_MOST}",
        members={"ArgumentName": "max-buckets", "ArgumentValue": text[:80]},
    )
