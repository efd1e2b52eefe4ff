"""The way out: whatever a name stands for, nothing of ours is reached; nothing takes forever."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from domain.webhook import IpAddress
from streams.webhook_http import WebhookHttp
from tests.api.certificates import self_signed
from tests.api.receiver import Receiver, serving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.running() as found:
        yield found


def standing_for(*addresses: str) -> Any:
    async def resolve(_: str, __: int) -> list[IpAddress]:
        return [ipaddress.ip_address(each) for each in addresses]

    return resolve


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.1.2.3",),
        ("169.254.169.254",),
        ("::1",),
        ("::ffff:192.168.0.1",),
        ("fd00::1",),
        ("64:ff9b::a9fe:a9fe",),
        ("8.8.8.8", "127.0.0.1"),
        (),
    ],
)
async def test_a_name_that_stands_for_an_inner_address_is_not_called(
    addresses: tuple[str, ...],
) -> None:
    http = WebhookHttp(resolve=standing_for(*addresses))

    posted = await http.post("https://inner.example.com/", {}, b"{}")

    assert posted.status_code is None
    assert posted.problem in {"not a public address", "the name has no address"}


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [307]

    posted = await WebhookHttp(allow_loopback=True).post(f"{receiver.url}/a", {}, b"{}")

    assert (posted.status_code, posted.problem, len(receiver.got)) == (307, "answered 307", 1)


async def test_a_path_is_not_taken_for_another_host(receiver: Receiver) -> None:
    posted = await WebhookHttp(allow_loopback=True).post(f"{receiver.url}//10.0.0.1/x", {}, b"{}")

    assert posted.status_code == 204
    assert receiver.got[0][0]["host"] == receiver.url.removeprefix("http://")


async def test_a_slow_answer_is_cut_off() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x-more: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    http = WebhookHttp(allow_loopback=True, total_seconds=0.5)

    posted = await http.post(f"http://127.0.0.1:{port}/", {}, b"{}")
    server.close()

    assert posted.status_code is None
    assert posted.problem in {"took too long", "not an answer of HTTP", "the connection broke"}


async def test_a_large_answer_is_not_read() -> None:
    async def flood(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 50_000_000)

    async with serving(flood) as port:
        posted = await WebhookHttp(allow_loopback=True).post(f"http://127.0.0.1:{port}/", {}, b"{}")

    assert (posted.status_code, posted.problem) == (200, "")


async def test_the_certificate_must_be_of_the_name(tmp_path: Path) -> None:
    """The connection goes to an address; whose it is, the certificate says."""
    receiver = Receiver()
    server_side, client_side = self_signed(tmp_path, "hooks.example.com")
    async with serving(receiver.handle, server_side) as port:
        http = WebhookHttp(allow_loopback=True, resolve=standing_for("127.0.0.1"), tls=client_side)
        good = await http.post(f"https://hooks.example.com:{port}/", {}, b"{}")
        bad = await http.post(f"https://other.example.com:{port}/", {}, b"{}")

    assert (good.status_code, good.problem) == (204, "")
    assert (bad.status_code, bad.problem) == (None, "the certificate does not hold")
    assert receiver.got[0][0]["host"] == f"hooks.example.com:{port}"
