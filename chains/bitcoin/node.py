"""Client of a Bitcoin node: JSON-RPC over one pooled HTTP client. Amounts never pass through a
float.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Self

import httpx

from chains.bitcoin.fees import FeePolicy, satoshi
from chains.bitcoin.network import Network, NetworkName
from chains.node import Broadcast, BroadcastOutcome, NodeFault, NodeRefusal, WrongChain
from domain.ids import TxId

_NO_SUCH_METHOD = -32601
_NOT_FOUND = -5
_VERIFY_ERROR = -25
_VERIFY_REJECTED = -26
_ALREADY_IN_CHAIN = -27
_WARMING_UP = -28
_KNOWN_REASONS = ("txn-already-in-mempool", "txn-already-known", "already in")
_KNOTS_FORK_HEIGHT = 961_640
"""From here Knots 29.4.1 and later follow another mainnet than Bitcoin Core."""


class BitcoinNode:
    """One node. Raises NodeRefusal for its errors and NodeFault when it could not answer."""

    def __init__(self, http: httpx.AsyncClient, network: Network, path: str = "/") -> None:
        self._http = http
        self._path = path
        self._ids = itertools.count(1)
        self.network = network

    @classmethod
    def connect(cls, url: str, network: Network, *, timeout_seconds: float = 15.0) -> Self:
        """`url` carries the credentials: `http://user:password@host:port`."""
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
        return cls(httpx.AsyncClient(base_url=url, timeout=timeout_seconds, limits=limits), network)

    async def close(self) -> None:
        await self._http.aclose()

    def wallet(self, name: str) -> BitcoinNode:
        """The node's own wallet `name`, on the same connections. Never one with coins of ours."""
        return BitcoinNode(self._http, self.network, f"/wallet/{name}")

    async def call(self, method: str, *params: Any) -> Any:
        """One RPC call."""
        [answer] = await self._post([self._request(method, params)])
        return _result(answer)

    async def call_many(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """Many calls of one method in one HTTP request, answers in order. Raises if any was
        refused.
        """
        if not params:
            return []
        requests = [self._request(method, each) for each in params]
        answers = {answer["id"]: answer for answer in await self._post(requests)}
        return [_result(answers[request["id"]]) for request in requests]

    async def check_identity(self) -> None:
        """Raise WrongChain unless this node follows the chain we were told, by rules we trust."""
        chain = (await self.call("getblockchaininfo"))["chain"]
        genesis = await self.call("getblockhash", 0)
        if chain != self.network.node_chain or genesis != self.network.genesis_hash:
            raise WrongChain(f"node is on {chain!r}, expected {self.network.node_chain!r}")
        if self.network.name is NetworkName.REGTEST:
            return
        agent: str = (await self.call("getnetworkinfo"))["subversion"]
        if "knots" in agent.lower():
            raise WrongChain(f"{agent} forks away at height {_KNOTS_FORK_HEIGHT}: regtest only")

    async def tip(self) -> tuple[int, str]:
        """Height and hash of the best block, from one answer."""
        info = await self.call("getblockchaininfo")
        return info["blocks"], info["bestblockhash"]

    async def wait_for_height(self, height: int, seconds: float) -> None:
        """Until the node has so many blocks, but no longer than `seconds`."""
        try:
            await self.call("waitforblockheight", height, max(1, int(1000 * seconds)))
        except NodeRefusal as refusal:
            if refusal.code != _NO_SUCH_METHOD:
                raise
            await asyncio.sleep(seconds)

    async def block_hash(self, height: int) -> str | None:
        """None above the tip."""
        try:
            answer: str = await self.call("getblockhash", height)
        except NodeRefusal as refusal:
            if refusal.code == -8:  # Block height out of range.
                return None
            raise
        return answer

    async def block(self, block_hash: str) -> dict[str, Any]:
        """The block with its transactions decoded. Raises NodeRefusal when it is not known."""
        answer: dict[str, Any] = await self.call("getblock", block_hash, 2)
        return answer

    async def raw_transaction(self, txid: TxId) -> dict[str, Any] | None:
        """A transaction in mempool or block (needs the node's txindex), or None."""
        try:
            answer: dict[str, Any] = await self.call("getrawtransaction", txid, 1)
        except NodeRefusal as refusal:
            if refusal.code == _NOT_FOUND:
                return None
            raise
        return answer

    async def mempool_entry(self, txid: TxId) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = await self.call("getmempoolentry", txid)
        except NodeRefusal as refusal:
            if refusal.code == _NOT_FOUND:
                return None
            raise
        return answer

    async def unspent(self, txid: TxId, vout: int) -> dict[str, Any] | None:
        """The output if unspent, mempool spends counted as spent; else None."""
        answer: dict[str, Any] | None = await self.call("gettxout", txid, vout, True)
        return answer

    async def fee_rate(self, target_blocks: int, policy: FeePolicy) -> int:
        """Satoshi per kvbyte for confirmation within `target_blocks`, inside the bounds."""
        answer = await self.call("estimatesmartfee", target_blocks)
        rate: Decimal | None = answer.get("feerate")
        # An idle estimator answers with `errors` and no rate.
        return policy.bounded(None if rate is None else satoshi(rate))

    async def broadcast(self, raw: bytes, txid: TxId) -> Broadcast:
        """Hand over signed bytes; any number of times is as good as once."""
        try:
            answer = await self.call("sendrawtransaction", raw.hex(), 0)
        except NodeFault as fault:
            return Broadcast(BroadcastOutcome.UNKNOWN, str(fault))
        except NodeRefusal as refusal:
            return await self._refused(refusal, txid)
        assert answer == txid, "the node computed another txid than we stored"
        return Broadcast(BroadcastOutcome.ACCEPTED)

    async def _refused(self, refusal: NodeRefusal, txid: TxId) -> Broadcast:
        """Look before judging: of a transaction mined long ago nodes say "inputs missing" too."""
        if refusal.code == _ALREADY_IN_CHAIN or any(k in refusal.message for k in _KNOWN_REASONS):
            return Broadcast(BroadcastOutcome.KNOWN, refusal.message)
        try:
            known = await self.raw_transaction(txid) is not None
        except (NodeFault, NodeRefusal) as error:
            return Broadcast(BroadcastOutcome.UNKNOWN, f"{refusal.message}; lookup: {error}")
        if known:
            return Broadcast(BroadcastOutcome.KNOWN, refusal.message)
        return Broadcast(BroadcastOutcome.REFUSED, refusal.message)

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "1.0", "id": next(self._ids), "method": method, "params": list(params)}

    async def _post(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        body: Any = requests if len(requests) > 1 else requests[0]
        try:
            response = await self._http.post(self._path, content=json.dumps(body))
        except httpx.HTTPError as error:
            raise NodeFault(f"Bitcoin node: {type(error).__name__}") from error
        if response.status_code in (401, 403):
            raise NodeFault("Bitcoin node: wrong credentials")
        try:
            answer = json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            raise NodeFault(f"Bitcoin node: HTTP {response.status_code} without JSON") from error
        return answer if isinstance(answer, list) else [answer]


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    if error["code"] == _WARMING_UP:
        raise NodeFault(f"Bitcoin node: {error['message']}")
    raise NodeRefusal(error["code"], error["message"])
