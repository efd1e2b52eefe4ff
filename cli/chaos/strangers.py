"""The world outside, that does not give up: wallets that pay again what a reorg has dropped, and an
officer who asks again when the staff portal dies.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import aiohttp
import httpx
from web3.exceptions import TransactionNotFound, Web3Exception
from web3.types import TxParams

from cli.demo.customer import NotInTime, eventually
from cli.demo.outside import BITCOIN_WALLET, MINER_WALLET, OutsideBitcoin, OutsideEthereum
from cli.demo.staff import NoAnswer, Staff

T = TypeVar("T")
_FAULTS: Final = (
    httpx.HTTPError,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    ValueError,
    NoAnswer,
    NotInTime,  # Of a step within, such as signing in.
)
_INSIST_SECONDS: Final = 90.0
_AGAIN_SECONDS: Final = 2.0
_RECENT: Final = 60
"""Entries of a wallet: more than a life leaves."""


async def insist(what: str, act: Callable[[], Awaitable[T]]) -> T:
    """Do it until it is answered. It may be done more than once."""

    async def answered() -> tuple[T] | None:
        try:
            return (await act(),)
        except _FAULTS:
            return None

    [answer] = await eventually(what, answered, _INSIST_SECONDS)
    return answer


class StubbornBitcoin(OutsideBitcoin):
    """A payment whose answer is lost is made again: then a customer gets two deposits."""

    async def keep_sending(self) -> None:
        """For ever: what is in no block is handed in again, as the node may have dropped it.

        It does so in a reorg with every transaction that names a height the rival branch has not
        yet reached.
        """
        while True:
            with suppress(*_FAULTS, RuntimeError):
                for wallet in (BITCOIN_WALLET, MINER_WALLET):
                    await self._send_again(wallet)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _send_again(self, wallet: str) -> None:
        ask = partial(OutsideBitcoin._call, self)  # noqa: SLF001 - Once is enough here.
        entries = await ask("listtransactions", "*", _RECENT, wallet=wallet)
        waiting = set(await ask("getrawmempool"))
        sent = [each for each in entries if each["category"] == "send"]
        for txid in dict.fromkeys(each["txid"] for each in sent if each["confirmations"] == 0):
            if txid not in waiting:
                payment = await ask("gettransaction", txid, wallet=wallet)
                with suppress(RuntimeError):  # Its parent may have to come first.
                    await ask("sendrawtransaction", payment["hex"])

    async def _call(self, method: str, *params: object, wallet: str = "") -> Any:
        async def answered() -> Any:
            try:
                return await OutsideBitcoin._call(self, method, *params, wallet=wallet)  # noqa: SLF001
            except RuntimeError as refusal:
                if "Insufficient funds" in str(refusal):  # Until what a reorg took is mined again.
                    raise NoAnswer(str(refusal)) from refusal
                raise

        return await insist(f"bitcoind answers {method}", answered)


class StubbornEthereum(OutsideEthereum):
    """Keeps the bytes of all it sent and hands them in again for as long as a node lacks them."""

    def __init__(self, rpc_url: str, token: str) -> None:
        super().__init__(rpc_url, token)
        self._sent: dict[str, bytes] = {}

    async def keep_sending(self) -> None:
        """For ever: whatever no block and no pool knows goes out again, in order of nonces."""
        while True:
            for txid, raw in list(self._sent.items()):
                with suppress(*_FAULTS, Web3Exception):
                    try:
                        await self._web3.eth.get_transaction(txid)  # type: ignore[arg-type]
                    except TransactionNotFound:
                        await self._web3.eth.send_raw_transaction(raw)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def received_ether(self, address: str) -> int:
        return await insist(
            "anvil tells a balance", lambda: OutsideEthereum.received_ether(self, address)
        )

    async def received_token(self, address: str) -> int:
        return await insist(
            "anvil tells a balance", lambda: OutsideEthereum.received_token(self, address)
        )

    async def _terms(self) -> TxParams:
        nonce = self._nonce

        async def terms() -> TxParams:
            self._nonce = nonce  # A failed attempt must leave no gap.
            return await OutsideEthereum._terms(self)  # noqa: SLF001

        return await insist("anvil tells its terms", terms)

    async def _send(self, transaction: TxParams) -> str:
        signed = self._account.sign_transaction(transaction)  # type: ignore[arg-type]  # Same keys.
        txid = signed.hash.to_0x_hex()
        self._sent[txid] = bytes(signed.raw_transaction)

        async def mined() -> bool | None:
            with suppress(*_FAULTS, Web3Exception):
                receipt = await self._web3.eth.get_transaction_receipt(txid)  # type: ignore[arg-type]
                assert receipt["status"] == 1, "a payment of the outside wallet was reverted"
                return True
            return None

        await eventually(f"payment {txid} is in a block", mined, _INSIST_SECONDS)
        return txid


class PatientStaff(Staff):
    async def update(
        self, workflow_id: str, name: str, argument: dict[str, Any], update_id: str = ""
    ) -> None:
        """Until it is answered: an update whose answer was lost is done once, and told again."""
        same = update_id or secrets.token_hex(16)
        await insist(
            f"staff's {name} of {workflow_id} is answered",
            lambda: Staff.update(self, workflow_id, name, argument, same),
        )
