"""The signer derives every deposit address again: one that it cannot sign for is an alarm.

Addresses are made from xpubs by processes without keys. Whoever changes an xpub or an address there
would have customers pay a stranger; here it shows within a second, and reconciliation stops
withdrawals while it lasts.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import groupby

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.signing import KeyRing
from chains.bitcoin import addresses as bitcoin
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum
from storage import address_checks
from storage.address_checks import Unverified
from storage.signing_plan import KeyLocation

logger = logging.getLogger(__name__)

VERIFIED = Counter("signer_addresses_verified", "Deposit addresses derived again", ["chain"])
FOREIGN = Counter(
    "signer_addresses_foreign", "Deposit addresses that no key of ours has", ["chain"]
)

_EXTERNAL = 0
"""The branch of receive addresses (BIP 44)."""


class AddressChecks:
    """One round after the other, from the first address on; a restart begins again, quickly."""

    def __init__(self, engine: AsyncEngine, keys: KeyRing, network: Network) -> None:
        self._engine = engine
        self._keys = keys
        self._network = network
        self._known: dict[int, int] = {}

    async def look(self) -> int:
        """Check what is new; answers how many there were. Any number of signers may do so."""
        async with self._engine.begin() as connection:
            found = await address_checks.unverified_after(connection, self._known)
            for chain, group in groupby(found, key=lambda each: each.chain):
                ours = [each for each in group if await self._is_ours(connection, each)]
                VERIFIED.labels(chain).inc(len(ours))
                await address_checks.mark_verified(
                    connection, chain, [each.address for each in ours]
                )
        self._known |= {each.xpub_id: each.index for each in found}
        return len(found)

    async def _is_ours(self, connection: AsyncConnection, each: Unverified) -> bool:
        path = f"{each.account_path}/{_EXTERNAL}/{each.index}"
        key = await self._keys.find(connection, KeyLocation(seed_id=each.seed_id, path=path))
        await asyncio.sleep(0)  # Deriving is work: payments to sign go first.
        if each.chain == "bitcoin":
            derived = bitcoin.p2wpkh_address(key.public_key, self._network)
        else:
            derived = ethereum.address_of(key.public_key)
        if derived != each.address:
            FOREIGN.labels(each.chain).inc()
            logger.error(
                "a deposit address is not ours",
                extra={"chain": each.chain, "xpub": each.xpub_id, "index": each.index},
            )
        return derived == each.address
