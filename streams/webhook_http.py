"""Posts to addresses that customers chose, and to nothing that is ours.

The name is resolved here, every address it has must be one that we may reach, and the connection
goes to that very address: a name that answers differently the second time gains nothing. Redirects
are not followed, the answer's body is not read, and every step is bounded.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from domain.errors import WebhookUrlRefused
from domain.webhook import IpAddress, Target, check_url, literal, may_reach

Resolve = Callable[[str, int], Awaitable[list[IpAddress]]]

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
"""From the question to the name server until the last header of the answer."""


@dataclass(frozen=True, slots=True)
class Posted:
    """How it went. `problem` is empty for an answer with a status of the 2xx kind."""

    status_code: int | None
    problem: str
    took_ms: int


class WebhookHttp:
    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """`allow_loopback`: only on a development machine. `tls`: whose certificates to trust."""
        self._allow_loopback = allow_loopback
        self._resolve = resolve or resolved
        self._tls = tls or ssl.create_default_context()
        self._total_seconds = total_seconds

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Never raises: whatever the other side does is an outcome of its own."""
        begun = time.monotonic()
        status, problem = None, ""
        try:
            async with asyncio.timeout(self._total_seconds):
                target = check_url(url, allow_loopback=self._allow_loopback)
                status = await self._post(target, headers, body)
            if not 200 <= status < 300:
                problem = f"answered {status}"
        except WebhookUrlRefused as refusal:
            problem = refusal.message
        except TimeoutError:
            problem = "took too long"
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            problem = _in_words(fault)
        return Posted(status, problem, int((time.monotonic() - begun) * 1000))

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        address = await self._address(target)
        # Put together as text: joining paths would take `//elsewhere/` for another host.
        scheme = "https" if target.is_secure else "http"
        url = URL(f"{scheme}://{_in_url(str(address))}:{target.port}{target.path}", encoded=True)
        # A connection a message: one that is kept open could be to somebody else by then.
        connector = aiohttp.TCPConnector(ssl=self._tls, force_close=True, limit=1)
        timeout = aiohttp.ClientTimeout(total=self._total_seconds, connect=CONNECT_SECONDS)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.post(
                url,
                data=body,
                headers={**headers, "Host": _host_header(target)},
                allow_redirects=False,
                server_hostname=target.host if target.is_secure else None,
            ) as answer,
        ):
            return answer.status

    async def _address(self, target: Target) -> IpAddress:
        given = literal(target.host)
        found = [given] if given else await self._resolve(target.host, target.port)
        if not found:
            raise WebhookUrlRefused("the name has no address")
        if not all(may_reach(each, allow_loopback=self._allow_loopback) for each in found):
            raise WebhookUrlRefused("not a public address")
        return found[0]


async def resolved(host: str, port: int) -> list[IpAddress]:
    """What the system's resolver says of the name. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [literal(str(each[4][0])) for each in found]
    return [address for address in addresses if address is not None]


def _host_header(target: Target) -> str:
    host = _in_url(target.host)
    is_usual = target.port == (443 if target.is_secure else 80)
    return host if is_usual else f"{host}:{target.port}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _in_words(fault: Exception) -> str:
    """What the owner of an endpoint may read: no addresses, no paths of this machine."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return "the certificate does not hold"
    if isinstance(fault, aiohttp.ClientSSLError | ssl.SSLError):
        return "no TLS connection"
    if isinstance(fault, socket.gaierror):
        return "the name cannot be resolved"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return "cannot connect"
    if isinstance(fault, aiohttp.ServerDisconnectedError | ConnectionError):
        return "the connection broke"
    return "not an answer of HTTP"
