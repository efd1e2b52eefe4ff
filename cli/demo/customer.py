"""A customer of the demo: an ordinary client of the public API."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import httpx
import pyotp

Json = dict[str, Any]

_DOCUMENT_PIXELS = 96
POLL_SECONDS: Final = 0.25
_AGAIN: Final = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
T = TypeVar("T")


class Refused(Exception):
    """The API said no: its code, and its sentence."""

    def __init__(self, problem: Json) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.code: str = problem.get("code", "")


class EmailTaken(Refused):
    """Somebody has registered with this address."""


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


class Customer:
    """Knows only what a customer knows: an e-mail address, a password, an authenticator app."""

    def __init__(self, api: httpx.AsyncClient, name: str) -> None:
        self._api = api
        self.name = name
        self.email = f"{name}-{secrets.token_hex(4)}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.id = ""
        self._token = ""

    async def join(self) -> None:
        """Register, log in, set up an authenticator app."""
        credentials = {"email": self.email, "password": self.password}
        with contextlib.suppress(EmailTaken):  # By ourselves, when the answer was lost.
            await self._send("POST", "/v1/registrations", credentials)
        session = await self._send("POST", "/v1/sessions", credentials)
        self.id, self._token = session["customer_id"], session["token"]
        setup = await self._send("POST", "/v1/second-factors/totp")
        code = pyotp.TOTP(setup["secret"]).now()
        try:
            await self._send("POST", "/v1/second-factors/totp/confirm", {"code": code})
        except Refused:
            if not (await self._send("GET", "/v1/second-factors"))["totp"]:
                raise  # Else it was confirmed, and the answer was lost.

    async def hand_in_papers(self, family_name: str) -> None:
        profile = {
            "given_names": self.name.capitalize(),
            "family_name": family_name,
            "birth_date": "1990-01-31",
            "nationality": "SE",
            "country": "SE",
            "address": "Storgatan 1, 11122 Stockholm",
        }
        await self._send("PUT", "/v1/kyc/profile", profile)
        await self._until_answered(
            "POST",
            "/v1/kyc/documents",
            data={"kind": "identity_document"},
            files={"file": ("passport.png", _picture(), "image/png")},
        )
        await self._send("POST", "/v1/kyc/submit", {"tier": 1})

    async def kyc_state(self) -> str:
        state: str = (await self._send("GET", "/v1/kyc"))["state"]
        return state

    async def export(self) -> Json:
        """Everything the exchange keeps about this customer."""
        return await self._send("GET", "/v1/kyc/export")

    async def deposit_address(self, asset: str) -> str:
        answer = await self._send("POST", f"/v1/deposit-addresses/{asset}")
        address: str = answer["address"]
        return address

    async def deposit(self, txid: str) -> Json | None:
        """The deposit this transaction made, once the exchange has seen it."""
        found: list[Json] = (await self._send("GET", "/v1/deposits"))["data"]
        return next((each for each in found if each["txid"] == txid), None)

    async def place(self, orders: Iterable[Json]) -> list[Json]:
        """A batch; every order must be accepted."""
        answer = await self._send("POST", "/v1/orders:batch", {"orders": list(orders)})
        for each in answer["data"]:
            if "problem" in each:
                raise Refused(each["problem"])
        placed: list[Json] = [each["order"] for each in answer["data"]]
        return placed

    async def order(self, order_id: str) -> Json:
        return await self._send("GET", f"/v1/orders/{order_id}")

    async def open_orders(self) -> list[Json]:
        found: list[Json] = (await self._send("GET", "/v1/orders?status=open"))["data"]
        return found

    async def trade_ids(self, market: str) -> set[str]:
        """Trades in which this customer had a part."""
        fills = (await self._send("GET", f"/v1/fills?market={market}&limit=1000"))["data"]
        return {each["trade_id"] for each in fills}

    async def cancel_all(self, market: str) -> None:
        await self._send("DELETE", f"/v1/orders?market={market}")

    async def withdraw(self, asset: str, amount: str, address: str) -> str:
        """Returns the withdrawal's id."""
        wanted = {"asset": asset, "amount": amount, "address": address}
        answer = await self._send("POST", "/v1/withdrawals", wanted)
        withdrawal_id: str = answer["id"]
        return withdrawal_id

    async def withdrawal(self, withdrawal_id: str) -> Json:
        return await self._send("GET", f"/v1/withdrawals/{withdrawal_id}")

    async def balances(self) -> dict[str, Json]:
        found: list[Json] = (await self._send("GET", "/v1/balances"))["data"]
        return {each["asset"]: each for each in found}

    async def search(self, text: str) -> Json:
        return await self._send("GET", f"/v1/search?q={text}")

    async def _send(self, method: str, path: str, body: Json | None = None) -> Json:
        return await self._until_answered(method, path, json=body)

    async def _until_answered(self, method: str, path: str, **content: Any) -> Json:
        """Send it again while there is no answer: the idempotency key makes that safe."""
        headers = self._headers()

        async def answered() -> httpx.Response | None:
            try:
                answer = await self._api.request(method, path, headers=headers, **content)
            except httpx.TransportError:
                return None
            return None if _is_to_come(answer) else answer

        return _read(await eventually(f"{method} {path} is answered", answered, 120))

    def _headers(self) -> dict[str, str]:
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def _is_to_come(answer: httpx.Response) -> bool:
    """Not now; or the first attempt, whose answer was lost, is still under way."""
    if answer.status_code == httpx.codes.CONFLICT:
        return bool(answer.json().get("code") == "in_flight")
    return answer.status_code in _AGAIN


def _read(answer: httpx.Response) -> Json:
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    body: Json = answer.json()
    if answer.is_error:
        raise EmailTaken(body) if body.get("code") == "email_taken" else Refused(body)
    return body


def _picture() -> bytes:
    """A valid PNG of grey noise: paper enough for the simulated identity vendor."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", _DOCUMENT_PIXELS, _DOCUMENT_PIXELS, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + secrets.token_bytes(_DOCUMENT_PIXELS) for _ in range(_DOCUMENT_PIXELS))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
