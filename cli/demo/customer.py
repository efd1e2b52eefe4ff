"""A customer of the demo: an ordinary user of the published Python client."""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar, cast

import httpx
import pyotp
from rialto_client import RialtoError, Unreachable, schemas
from rialto_client.async_operations import AsyncOperations
from rialto_client.transport import AsyncTransport

Json = dict[str, Any]

_DOCUMENT_PIXELS = 96
_NOT_HANDED_IN: Final = {"not_started", "started"}
POLL_SECONDS: Final = 0.25
_ANSWERED_SECONDS = 120
_AGAIN: Final = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
T = TypeVar("T")


class NotInTime(Exception):
    """Something the demo waited for did not happen; the message says what was seen last."""


async def eventually(what: str, look: Callable[[], Awaitable[T | None]], seconds: float) -> T:
    """The first answer of `look` that is not None. Raises NotInTime."""
    until = time.monotonic() + seconds
    while True:
        found = await look()
        if found is not None:
            return found
        if time.monotonic() > until:
            raise NotInTime(f"{what}: not within {seconds:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


class Patient(AsyncTransport):
    """Asks again while there is no answer: the idempotency key makes that safe."""

    async def call(self, method: str, path: str, **given: Any) -> Any:
        given["key"] = given.get("key") or secrets.token_hex(16)
        given.pop("has_key", None)

        async def answered() -> tuple[Any] | None:
            try:
                return (await AsyncTransport.call(self, method, path, **given),)
            except Unreachable:
                return None
            except RialtoError as refusal:
                # Not now; or the first attempt, whose answer was lost, is still under way.
                if refusal.status in _AGAIN or refusal.code == "in_flight":
                    return None
                raise

        [answer] = await eventually(f"{method} {path} is answered", answered, _ANSWERED_SECONDS)
        return answer


class Customer:
    """Knows only what a customer knows: an e-mail address, a password, an authenticator app."""

    def __init__(self, api: httpx.AsyncClient, name: str) -> None:
        self._rialto = AsyncOperations(Patient(api))
        self.name = name
        self.email = f"{name}-{secrets.token_hex(4)}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.id = ""

    async def join(self) -> None:
        """Register, log in, set up an authenticator app."""
        await self._rialto.register({"email": self.email, "password": self.password})
        session = await self._rialto.log_in({"email": self.email, "password": self.password})
        self.id, self._rialto.transport.credentials = session["customer_id"], session["token"]
        setup = await self._rialto.start_totp()
        code = pyotp.TOTP(setup["secret"]).now()
        try:
            await self._rialto.confirm_totp({"code": code})
        except RialtoError:
            if not (await self._rialto.list_factors())["totp"]:
                raise  # Else it was confirmed, and the answer was lost.

    async def hand_in_papers(self, family_name: str, zone: str = "") -> None:
        """`zone`: the two lines that a machine reads in the passport, if its owner sends them."""
        await self._rialto.put_profile(
            {
                "given_names": self.name.capitalize(),
                "family_name": family_name,
                "birth_date": "1990-01-31",
                "nationality": "SE",
                "country": "SE",
                "address": "Storgatan 1, 11122 Stockholm",
            }
        )
        await self._rialto.upload_document(
            {
                "kind": "identity_document",
                "mrz": zone,
                "file": ("passport.png", _picture(), "image/png"),
            }
        )
        try:
            await self._rialto.submit_verification({"tier": 1})
        except RialtoError as refusal:
            if refusal.code != "wrong_state" or await self.kyc_state() in _NOT_HANDED_IN:
                raise  # Else it was handed in, and the answer was lost.

    async def kyc_state(self) -> str:
        return (await self._rialto.read_kyc())["state"]

    async def export(self) -> Json:
        """Everything the exchange keeps about this customer."""
        return await self._rialto.export_my_data()

    async def deposit_address(self, asset: str) -> str:
        return (await self._rialto.deposit_address(asset))["address"]

    async def deposit(self, txid: str) -> schemas.DepositAnswer | None:
        """The deposit this transaction made, once the exchange has seen it."""
        found = (await self._rialto.list_deposits())["data"]
        return next((each for each in found if each["txid"] == txid), None)

    async def place(self, orders: Iterable[Json]) -> list[schemas.OrderAnswer]:
        """A batch; every order must be accepted."""
        wanted = [cast("schemas.NewOrderBody", each) for each in orders]
        placed = []
        for each in (await self._rialto.place_batch({"orders": wanted}))["data"]:
            problem, order = each.get("problem"), each.get("order")
            if problem is not None:
                raise RialtoError(cast("schemas.Problem", problem))
            assert order is not None
            placed.append(order)
        return placed

    async def order(self, order_id: str) -> schemas.OrderAnswer:
        return await self._rialto.read_order(order_id)

    async def open_orders(self) -> list[schemas.OrderAnswer]:
        return (await self._rialto.list_orders(status="open"))["data"]

    async def trade_ids(self, market: str) -> set[str]:
        """Trades in which this customer had a part."""
        fills = (await self._rialto.list_fills(market=market, limit=1000))["data"]
        return {each["trade_id"] for each in fills}

    async def cancel_all(self, market: str) -> None:
        await self._rialto.cancel_all_orders(market=market)

    async def withdraw(self, asset: str, amount: str, address: str) -> str:
        """Returns the withdrawal's id."""
        wanted: schemas.WithdrawalBody = {"asset": asset, "amount": amount, "address": address}
        return (await self._rialto.request_withdrawal(wanted))["id"]

    async def withdrawal(self, withdrawal_id: str) -> schemas.WithdrawalAnswer:
        return await self._rialto.read_withdrawal(withdrawal_id)

    async def balances(self) -> dict[str, schemas.BalanceAnswer]:
        found = (await self._rialto.list_balances())["data"]
        return {each["asset"]: each for each in found}

    async def search(self, text: str) -> schemas.SearchResult:
        return await self._rialto.search(q=text)


def _picture() -> bytes:
    """A valid PNG of grey noise: paper enough for the simulated identity vendor."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", _DOCUMENT_PIXELS, _DOCUMENT_PIXELS, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + secrets.token_bytes(_DOCUMENT_PIXELS) for _ in range(_DOCUMENT_PIXELS))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
