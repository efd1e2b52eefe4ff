"""The published clients against the API, over real connections."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rialto_client import ApiKey, AsyncRialto, Book, Rialto, RialtoError, Socket

from cli.clients.command import CLIENTS
from devstack.site import CHECKOUT
from tests.api.conftest import PASSWORD, Exchange
from tests.api.shipper import MARKET, Shipper

LIMIT = {"market": MARKET, "side": "buy", "price": "40000", "size": "0.01"}


def address(exchange: Exchange) -> str:
    return exchange.ws_url.replace("ws://", "http://")


@pytest.fixture(scope="module")
async def shipper(exchange: Exchange) -> Shipper:
    made = Shipper(exchange)
    await made.levels((1, 4_999_900, 10), (0, 5_000_100, 20))
    return made


async def test_the_asyncio_client_trades_with_an_ed25519_key(
    exchange: Exchange, shipper: Shipper
) -> None:
    person = await exchange.person(USDT="1000")
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = person.http.headers["authorization"].removeprefix("Bearer ")

    async with AsyncRialto(address(exchange), token) as rialto:
        key = await rialto.create_key(
            {"label": "bot", "scopes": ["read", "trade"], "public_key": pem.decode()}
        )
        rialto.use(ApiKey(key["id"], private))
        placed = await rialto.place_order(LIMIT, idempotency_key="client-1")  # type: ignore[arg-type]
        again = await rialto.place_order(LIMIT, idempotency_key="client-1")  # type: ignore[arg-type]
        await rialto.place_order({**LIMIT, "price": "39000"})  # type: ignore[arg-type,typeddict-unknown-key]
        listed = [each["id"] async for each in rialto.every(rialto.list_orders, limit=1)]

    assert again["id"] == placed["id"]
    assert len(listed) == 2
    assert placed["id"] in listed


async def test_the_plain_client_raises_refusals(exchange: Exchange) -> None:
    def session() -> str:
        with Rialto(address(exchange)) as rialto:
            credentials = {"email": "plain@example.com", "password": PASSWORD}
            rialto.register(credentials)  # type: ignore[arg-type]
            rialto.use(rialto.log_in(credentials)["token"])  # type: ignore[arg-type]
            with pytest.raises(RialtoError) as refused:
                rialto.read_order("1")
            return refused.value.code

    assert await asyncio.to_thread(session) == "unknown_order"


async def test_the_socket_keeps_a_checked_book(exchange: Exchange, shipper: Shipper) -> None:
    async with Socket(exchange.ws_url) as socket:
        await socket.subscribe("book", MARKET)
        book = Book(tick="0.01", lot="0.0001")
        await shipper.levels((1, 4_999_950, 7))
        async with asyncio.timeout(10):
            async for message in socket:
                if message["type"].startswith("book_"):
                    book.apply(message)
                if book.sequence == shipper.sequence:
                    break

    assert book.bids(1) == [("49999.5", "0.0007")]


def compiled(folder: Path) -> Path:
    """The client and the story, as JavaScript."""
    tsc = CHECKOUT / "node_modules" / ".bin" / "tsc"
    sources = CLIENTS / "typescript"
    settings = json.loads((sources / "tsconfig.json").read_text())
    settings["compilerOptions"] |= {
        "rootDir": str(CHECKOUT),
        "outDir": str(folder),
        "declaration": False,
        "sourceMap": False,
        "paths": {"rialto-client": [str(sources / "src" / "index.ts")]},
    }
    settings["include"] = [str(sources / "src"), str(Path(__file__).with_name("client_story.ts"))]
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    subprocess.run([str(tsc), "-p", str(folder / "tsconfig.json")], check=True)
    package = folder / "node_modules" / "rialto-client"
    package.mkdir(parents=True)
    manifest = {"type": "module", "exports": "./index.js"}
    (package / "package.json").write_text(json.dumps(manifest))
    for made in (folder / "clients" / "typescript" / "src").glob("*.js"):
        (package / made.name).write_text(made.read_text())
    (folder / "package.json").write_text(json.dumps({"type": "module"}))
    return folder / "tests" / "api" / "client_story.js"


async def test_the_typescript_client_compiles_and_works(
    exchange: Exchange, shipper: Shipper, tmp_path: Path
) -> None:
    story = await asyncio.to_thread(compiled, tmp_path)

    node = await asyncio.create_subprocess_exec(
        "node", "--experimental-websocket", "--no-warnings", str(story),
        address(exchange), exchange.ws_url, "typescript@example.com",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await asyncio.wait_for(node.communicate(), 60)

    assert node.returncode == 0, error.decode()
    assert out.decode().split()[0] == "book_snapshot"
