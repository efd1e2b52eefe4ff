"""The clients: every operation of the API, over one pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self

import httpx

from rialto_client.async_operations import AsyncOperations
from rialto_client.operations import Operations
from rialto_client.transport import AsyncTransport, Credentials, Transport

_SECONDS = 30.0


class Rialto(Operations):
    """`with Rialto("https://api.example.com", credentials) as rialto: ...`"""

    def __init__(
        self, base_url: str, credentials: Credentials = None, *, client: httpx.Client | None = None
    ) -> None:
        own = client or httpx.Client(base_url=base_url, timeout=_SECONDS)
        super().__init__(Transport(own, credentials))

    def use(self, credentials: Credentials) -> None:
        """From now on, such as the token of a session just opened."""
        self.transport.credentials = credentials

    def every(self, page: Callable[..., Any], **query: Any) -> Iterator[Any]:
        """Every item of a list, page after page: `every(rialto.list_orders, status="all")`."""
        cursor: str | None = None
        while True:
            found = page(**query, cursor=cursor)
            yield from found["data"]
            cursor = found["next_cursor"]
            if cursor is None:
                return

    def close(self) -> None:
        self.transport.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncRialto(AsyncOperations):
    """`async with AsyncRialto("https://api.example.com", credentials) as rialto: ...`"""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials = None,
        *,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        own = client or httpx.AsyncClient(base_url=base_url, timeout=_SECONDS)
        super().__init__(AsyncTransport(own, credentials))

    def use(self, credentials: Credentials) -> None:
        """From now on, such as the token of a session just opened."""
        self.transport.credentials = credentials

    async def every(self, page: Callable[..., Awaitable[Any]], **query: Any) -> AsyncIterator[Any]:
        """Every item of a list: `async for order in every(rialto.list_orders, status="all")`."""
        cursor: str | None = None
        while True:
            found = await page(**query, cursor=cursor)
            for each in found["data"]:
                yield each
            cursor = found["next_cursor"]
            if cursor is None:
                return

    async def close(self) -> None:
        await self.transport.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
