"""Client of an Ethereum node: the JSON-RPC calls we need, over web3's pooled provider.

Quantities are whole numbers, hashes are lower-case 0x text. web3's formatting layer is left out: it
costs more than the calls of a block scan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from aiohttp import ClientError
from web3 import AsyncHTTPProvider
from web3.types import RPCEndpoint

from chains.ethereum.erc20 import balance_of_call, decimals_call
from chains.ethereum.fees import GasFees, GasPolicy
from chains.node import Broadcast, BroadcastOutcome, NodeFault, NodeRefusal, WrongChain
from domain.ids import TxId

_KNOWN_REASONS = ("already known", "already imported", "known transaction")
_FEE_HISTORY_BLOCKS = 10
_TIP_PERCENTILE = 50

Json = Any
"""Decoded JSON of a node's answer."""


class EthereumNode:
    """One node. Raises NodeRefusal for its errors and NodeFault when it could not answer."""

    def __init__(self, provider: AsyncHTTPProvider, chain_id: int) -> None:
        self._provider = provider
        self.chain_id = chain_id

    @classmethod
    def connect(cls, url: str, chain_id: int, *, timeout_seconds: float = 15.0) -> Self:
        provider = AsyncHTTPProvider(
            url,
            request_kwargs={"timeout": timeout_seconds},
            exception_retry_configuration=None,  # Temporal and the listener retry; they also count.
            cache_allowed_requests=True,
        )
        return cls(provider, chain_id)

    async def close(self) -> None:
        await self._provider.disconnect()

    async def call(self, method: str, *params: Any) -> Json:
        """One RPC call."""
        try:
            answer = await self._provider.make_request(RPCEndpoint(method), list(params))
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            raise NodeFault(f"Ethereum node: {type(error).__name__}") from error
        return _result(answer)

    async def call_many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Json]:
        """Many calls in one HTTP request, answers in order. Raises if any was refused."""
        if not calls:
            return []
        batch = [(RPCEndpoint(method), list(params)) for method, params in calls]
        try:
            answers: Any = await self._provider.make_batch_request(batch)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            raise NodeFault(f"Ethereum node: {type(error).__name__}") from error
        if isinstance(answers, Mapping):  # One error for the whole batch.
            return [_result(answers)]
        return [_result(answer) for answer in answers]

    async def check_identity(self) -> None:
        """Raise WrongChain unless the node serves the chain id our signatures are bound to."""
        found = quantity(await self.call("eth_chainId"))
        if found != self.chain_id:
            raise WrongChain(f"node serves chain id {found}, expected {self.chain_id}")

    async def tip(self) -> tuple[int, str]:
        """Height and hash of the newest block."""
        block = await self.call("eth_getBlockByNumber", "latest", False)
        if block is None:
            raise NodeFault("Ethereum node: no newest block")
        return quantity(block["number"]), block["hash"]

    async def wait_for_height(self, height: int, seconds: float) -> None:
        """Nodes tell of new blocks on other connections only: this just waits."""
        del height
        await asyncio.sleep(seconds)

    async def height_of(self, tag: str) -> int | None:
        """Height of the `safe` or `finalized` block; None before there is one."""
        block = await self.call("eth_getBlockByNumber", tag, False)
        return None if block is None else quantity(block["number"])

    async def header(self, height: int) -> Json | None:
        """The block at `height` without its transactions' details; None above the tip."""
        return await self.call("eth_getBlockByNumber", hex(height), False)

    async def header_by_hash(self, block_hash: str) -> Json | None:
        return await self.call("eth_getBlockByHash", block_hash, False)

    async def balance(self, address: str, block: str = "latest") -> int:
        return quantity(await self.call("eth_getBalance", address, block))

    async def transaction_count(self, address: str, block: str = "latest") -> int:
        """Next nonce as this node sees it. To reconcile only: nonces come from our database."""
        return quantity(await self.call("eth_getTransactionCount", address, block))

    async def code(self, address: str) -> str:
        """Hexadecimal; `0x` where there is none."""
        code: str = await self.call("eth_getCode", address, "latest")
        return code

    async def has_code(self, address: str) -> bool:
        return await self.code(address) not in ("0x", "")

    async def token_balance(self, contract: str, owner: str, block: Json = "latest") -> int:
        return await self._token_number(contract, balance_of_call(owner), block)

    async def token_decimals(self, contract: str) -> int:
        return await self._token_number(contract, decimals_call(), "latest")

    async def transaction(self, txid: TxId) -> Json | None:
        return await self.call("eth_getTransactionByHash", txid)

    async def receipt(self, txid: TxId) -> Json | None:
        """None while the transaction is in no block of this node's chain."""
        return await self.call("eth_getTransactionReceipt", txid)

    async def estimate_gas(self, transaction: Mapping[str, str]) -> int:
        """Raises NodeRefusal when the call would revert."""
        return quantity(await self.call("eth_estimateGas", dict(transaction)))

    async def fees(self, policy: GasPolicy) -> GasFees:
        """Fees for quick inclusion by recent blocks, inside the policy's bounds."""
        history = await self.call(
            "eth_feeHistory", hex(_FEE_HISTORY_BLOCKS), "latest", [_TIP_PERCENTILE]
        )
        # The last base fee is that of the next block.
        base_fee = quantity(history["baseFeePerGas"][-1])
        tips = [quantity(reward[0]) for reward in history.get("reward") or [] if reward]
        tips = sorted(tip for tip in tips if tip > 0)
        return policy.fees(base_fee_wei=base_fee, tip_wei=tips[len(tips) // 2] if tips else None)

    async def broadcast(self, raw: bytes, txid: TxId) -> Broadcast:
        """Hand over signed bytes; any number of times is as good as once."""
        try:
            answer = await self.call("eth_sendRawTransaction", "0x" + raw.hex())
        except NodeFault as fault:
            return Broadcast(BroadcastOutcome.UNKNOWN, str(fault))
        except NodeRefusal as refusal:
            return await self._refused(refusal, txid)
        assert answer == txid, "the node computed another txid than we stored"
        return Broadcast(BroadcastOutcome.ACCEPTED)

    async def _refused(self, refusal: NodeRefusal, txid: TxId) -> Broadcast:
        """Look before judging: of a transaction mined before nodes say "nonce too low"."""
        if any(reason in refusal.message.lower() for reason in _KNOWN_REASONS):
            return Broadcast(BroadcastOutcome.KNOWN, refusal.message)
        try:
            known = await self.transaction(txid) is not None
        except (NodeFault, NodeRefusal) as error:
            return Broadcast(BroadcastOutcome.UNKNOWN, f"{refusal.message}; lookup: {error}")
        if known:
            return Broadcast(BroadcastOutcome.KNOWN, refusal.message)
        return Broadcast(BroadcastOutcome.REFUSED, refusal.message)

    async def _token_number(self, contract: str, data: bytes, block: Json) -> int:
        answer = await self.call("eth_call", {"to": contract, "data": "0x" + data.hex()}, block)
        if len(answer) != 2 + 64:
            raise NodeRefusal(0, f"{contract} does not answer like a token")
        return int(answer, 16)


def quantity(text: str | int) -> int:
    """A JSON-RPC quantity: 0x-prefixed hexadecimal."""
    return text if isinstance(text, int) else int(text, 16)


def _result(answer: Mapping[str, Any]) -> Json:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    if isinstance(error, str):
        raise NodeRefusal(0, error)
    raise NodeRefusal(int(error.get("code", 0)), str(error.get("message", "")))
