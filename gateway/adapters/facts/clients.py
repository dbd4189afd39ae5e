"""Clients of AWS services for facts: each request is signed by the principal that it is made for.

The principal's role reads what the principal's configuration is about. What that role may not read
stays unknown, so that the gateway tells nobody what AWS would not tell them.
"""

import asyncio
import contextvars
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError, ConnectTimeoutError, HTTPClientError, ReadTimeoutError
from botocore.exceptions import ConnectionError as ConnectionFault

from gateway.core.policy.fact import FactUnknown
from gateway.core.ports import Principal, UpstreamCredentials
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.region import is_region
from gateway.core.sigv4.credential import Credential

#: Never sent: every request is signed with the credential of its own look-up.
_PLACEHOLDER: Final = "placeholder"
#: Services that have one place in each partition; no answer says where.
_GLOBAL: Final = frozenset({"organizations"})
_FORBIDDEN: Final = 403
_DENIED: Final = re.compile(r"AccessDenied|NotAuthorized")
_THROTTLED: Final = re.compile(r"SlowDown|Throttl|TooManyRequests")


class AwsClients:
    """One client for each service and Region, made when it is first needed; ended by `close`.

    Args:
        session: makes the clients, see `aws_session`; its own credentials are not used.
        credentials: sign the requests, per principal.
        endpoint: where S3 is, and which Regions may be asked.
        ca_file: CA bundle that vouches for S3; None for the system's.
        others: endpoints of other services, by botocore's names, where they are not AWS's own.
        timeout: seconds for connecting, and for waiting on an answer.
    """

    def __init__(
        self,
        session: AioSession,
        credentials: UpstreamCredentials,
        endpoint: Endpoint,
        *,
        ca_file: Path | None = None,
        others: Mapping[str, str] | None = None,
        timeout: float = 2.0,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._endpoint = endpoint
        self._verify = None if ca_file is None else str(ca_file)
        self._others = others or {}
        self._timeout = timeout
        self._clients: dict[tuple[str, str], Any] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._signer: contextvars.ContextVar[Credential] = contextvars.ContextVar("signer")

    async def close(self) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def call(
        self,
        service: str,
        region: str,
        operation: str,
        principal: Principal,
        parameters: Mapping[str, object],
        *,
        none: str = "",
    ) -> Mapping[str, Any] | None:
        """Ask once, as this principal's role; each caller is a task of its own.

        Args:
            service: as botocore names it.
            region: where to ask.
            operation: a method of botocore's client.
            principal: whose credentials sign.
            parameters: of the operation.
            none: the code by which the service says that there is no such thing.

        Returns:
            The answer; None where there is no such thing.

        Raises:
            FactUnknown: `denied`, `throttled`, `timeout`, `unreachable`, `region` or `error`.
            CredentialsUnavailable: there are no credentials to ask with.
        """
        client = await self._client(service, region)
        self._signer.set(await self._credentials.for_principal(principal))
        try:
            answer: Mapping[str, Any] = await getattr(client, operation)(**parameters)
        except ClientError as fault:
            if fault.response["Error"].get("Code") == none:
                return None
            raise FactUnknown(_reason(fault.response)) from fault
        except (ConnectTimeoutError, ReadTimeoutError) as fault:
            raise FactUnknown("timeout") from fault
        except (HTTPClientError, ConnectionFault) as fault:
            raise FactUnknown("unreachable") from fault
        except Exception as fault:
            # What reads the answers has exceptions of its own for what it cannot read.
            raise FactUnknown("error") from fault
        return answer

    async def _client(self, service: str, region: str) -> Any:
        named = service in _GLOBAL or region == self._endpoint.region
        if not named and not is_region(region, self._endpoint.regions):
            raise FactUnknown("region")
        async with self._opening:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = await self._connect(service, region)
            return self._clients[key]

    async def _connect(self, service: str, region: str) -> Any:
        s3 = service == "s3"
        context = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint.url(region) if s3 else self._others.get(service),
            verify=self._verify if s3 else None,
            aws_access_key_id=_PLACEHOLDER,
            aws_secret_access_key=_PLACEHOLDER,
            config=AioConfig(
                connect_timeout=self._timeout,
                read_timeout=self._timeout,
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
            ),
        )
        client: Any = await self._stack.enter_async_context(context)
        client.meta.events.register("before-call.s3", _pin)
        client.meta.events.register("before-sign", self._choose_credential)
        return client

    def _choose_credential(self, request: Any, **_: object) -> None:
        own = self._signer.get()
        request.context.setdefault("signing", {})["request_credentials"] = AioCredentials(
            own.access_key_id, own.secret_access_key, own.session_token
        )


def owned(bucket: str, account: str) -> Mapping[str, object]:
    """Parameters about a bucket; where its owner is known, S3 is to refuse anybody else's."""
    parameters: dict[str, object] = {"Bucket": bucket}
    return parameters | {"ExpectedBucketOwner": account} if account else parameters


def _pin(context: dict[str, Any], **_: object) -> None:
    """Make botocore's region redirector believe that it has done its work."""
    context.setdefault("s3_redirect", {})["redirected"] = True


def _reason(response: Mapping[str, Any]) -> str:
    code = str(response["Error"].get("Code"))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if _THROTTLED.search(code):
        return "throttled"
    return "denied" if status == _FORBIDDEN or _DENIED.search(code) else "error"
