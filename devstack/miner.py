"""The regtest miner: a block every few seconds while anything waits for one. Development only.

Regtest has no miners, so without this a deposit would never confirm. It mines while the mempool
holds transactions, then a few blocks more so that what was mined gets its confirmations, then
rests: an idle chain does not grow.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict

log = logging.getLogger("devstack.miner")

WALLET = "miner"
BLOCKS_AFTER_LAST_TRANSACTION = 8
"""More than the confirmations any amount needs on regtest."""
MATURITY_BLOCKS = 101
"""A coinbase output can be spent after 100 more blocks."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_")

    bitcoin_rpc_url: str
    miner_seconds: float = 2.0


class Miner:
    """Mines to the node's own wallet `miner`. It may stop and start at any moment."""

    def __init__(self, http: httpx.AsyncClient, rpc_url: str) -> None:
        self._http = http
        self._url = rpc_url
        self._address = ""
        self._blocks_left = BLOCKS_AFTER_LAST_TRANSACTION

    async def prepare(self) -> None:
        """Load or create the wallet, and mine until a coinbase can be spent."""
        if WALLET not in await self._call("listwallets"):
            known = {wallet["name"] for wallet in (await self._call("listwalletdir"))["wallets"]}
            # The last argument has the node load it by itself at its next start: the node may be
            # killed and back between two ticks, and nobody here would notice.
            if WALLET in known:
                await self._call("loadwallet", WALLET, True)
            else:
                await self._call("createwallet", WALLET, False, False, "", False, True, True)
        self._address = await self._call("getnewaddress", wallet=WALLET)
        await self._mature()

    async def _mature(self) -> None:
        height = await self._call("getblockcount")
        if height < MATURITY_BLOCKS:
            await self._call("generatetoaddress", MATURITY_BLOCKS - height, self._address)

    async def tick(self) -> None:
        """Mine one block if something waits for it."""
        await self._mature()  # A node that was killed may have lost blocks it had not written yet.
        waiting = (await self._call("getmempoolinfo"))["size"]
        if waiting:
            self._blocks_left = BLOCKS_AFTER_LAST_TRANSACTION
        if waiting or self._blocks_left:
            await self._call("generatetoaddress", 1, self._address)
            self._blocks_left -= not waiting

    async def _call(self, method: str, *params: object, wallet: str = "") -> Any:
        url = f"{self._url}/wallet/{wallet}" if wallet else self._url
        answer = await self._http.post(url, json={"id": 1, "method": method, "params": params})
        body = answer.json()
        if body.get("error"):
            raise httpx.HTTPError(f"{method}: {body['error']}")
        return body["result"]


async def run(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with httpx.AsyncClient(timeout=30) as http:
        miner = Miner(http, settings.bitcoin_rpc_url)
        ready = False
        while not stopping.is_set():
            try:
                if not ready:
                    await miner.prepare()
                    ready = True
                await miner.tick()
            except (httpx.HTTPError, ValueError) as error:  # The node restarts; so do we.
                log.warning("node not answering", extra={"error": str(error)})
                ready = False
            try:
                await asyncio.wait_for(stopping.wait(), settings.miner_seconds)
            except TimeoutError:
                continue


def main() -> None:
    asyncio.run(run(Settings()))


if __name__ == "__main__":
    main()
