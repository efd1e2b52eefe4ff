"""Mines Ethereum's blocks, and has both nodes write to disk what they would lose to kill -9.

Anvil keeps its chain in memory and bitcoind writes its last blocks late; after kill -9 a customer's
confirmed deposit would be gone from the chain. So after every new block anvil's state is saved, and
bitcoind is made to flush.

Blocks come once a second while a transaction waits, and a few more so that it gets its
confirmations; an idle chain does not grow.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from devstack.probes import Unhealthy, json_rpc
from devstack.servers import bitcoin_credentials, heartbeat_file, save_anvil_state
from devstack.site import Site, write_private

BLOCK_SECONDS = 1.0
BLOCKS_AFTER_LAST_TRANSACTION = 40
"""More than the confirmations that any amount needs."""


class EthereumBlocks:
    """Mines while something waits, and saves every block it mined."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._blocks_left = 0
        self._saved_head = ""

    def tick(self) -> str:
        """Mine if something waits. Returns the newest block that is on disk."""
        if self._is_transaction_waiting():
            self._blocks_left = BLOCKS_AFTER_LAST_TRANSACTION
        if self._blocks_left > 0:
            self._ask("evm_mine")
            self._blocks_left -= 1
        head = self._ask("eth_getBlockByNumber", "latest", False)["hash"]
        if head != self._saved_head:
            save_anvil_state(self._site)
            self._saved_head = head
        return self._saved_head

    def _is_transaction_waiting(self) -> bool:
        return int(self._ask("txpool_status")["pending"], 16) > 0

    def _ask(self, method: str, *params: object) -> Any:
        return json_rpc(self._site.port("anvil"), method, *params)


class BitcoinFlush:
    """Asks for the statistics of the coins after each block, which flushes them to disk first."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._flushed_head = ""

    def tick(self) -> str:
        """Returns the newest block that is on disk."""
        head = self._ask("getbestblockhash")
        if head != self._flushed_head:
            self._ask("gettxoutsetinfo", "none")
            self._ask("savemempool")
            self._flushed_head = head
        return self._flushed_head

    def _ask(self, method: str, *params: object) -> str:
        credentials = bitcoin_credentials(self._site)
        return str(json_rpc(self._site.port("bitcoind"), method, *params, basic=credentials))


def keep(site: Site, stop: threading.Event) -> None:
    ticks: dict[str, Callable[[], str]] = {"bitcoin": BitcoinFlush(site).tick}
    if site.settings.get("RIALTO_ETHEREUM_BLOCKS", "keeper") == "keeper":
        ticks["ethereum"] = EthereumBlocks(site).tick
    while not stop.wait(BLOCK_SECONDS):
        try:
            on_disk = {chain: tick() for chain, tick in ticks.items()}
        except Unhealthy as problem:
            print(f"a node does not answer: {problem}", flush=True)
        else:
            write_private(heartbeat_file(site), json.dumps(on_disk))


def main() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep(Site.load(os.environ), stop)


if __name__ == "__main__":
    main()
