"""Which arrivals are customers' deposits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.listening.reader import Arrival
from chains.block import BlockRef
from domain.deposit import SeenDeposit
from domain.money import AssetCode
from storage.addresses import owners
from storage.blocks import paid_by_us


async def customers_deposits(
    connection: AsyncConnection,
    chain: str,
    arrivals: Sequence[Arrival],
    ref: BlockRef | None,
) -> list[SeenDeposit]:
    """Arrivals at customers' addresses that we did not send there. No `ref`: the mempool."""
    if not arrivals:
        return []
    addresses = sorted({arrival.address for arrival in arrivals})
    customers = await owners(connection, chain, addresses)
    ours = await paid_by_us(connection, sorted({arrival.incoming.txid for arrival in arrivals}))
    return [
        SeenDeposit(
            chain=chain,
            txid=arrival.incoming.txid,
            index=arrival.incoming.index,
            asset=AssetCode(arrival.asset),
            units=arrival.incoming.units,
            address=arrival.address,
            customer_id=customers[arrival.address],
            height=None if ref is None else ref.height,
            block_hash=None if ref is None else ref.hash,
        )
        for arrival in arrivals
        if arrival.address in customers and (arrival.incoming.txid, arrival.address) not in ours
    ]
