"""A deposit address is shown once the process with the keys has derived it, too.

Addresses are made from xpubs that stand in the database. Were one exchanged there, customers would
pay a stranger; so nobody is shown what the signer has not found to be ours.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Unavailable
from storage import addresses
from storage.addresses import DepositAddress

PATIENCE_SECONDS = 5.0
"""The signer looks for new addresses several times a second."""
_LOOK_SECONDS = 0.05


async def once_checked(
    engine: AsyncEngine, found: DepositAddress, patience_seconds: float
) -> DepositAddress:
    """`found` with the time of its check. Raises Unavailable if there is none in that time."""
    if found.verified_at is not None:
        return found
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience_seconds
    while clock() < deadline:
        async with engine.connect() as connection:
            verified_at = await addresses.verified_at(connection, found.chain, found.address)
        if verified_at is not None:
            return replace(found, verified_at=verified_at)
        await asyncio.sleep(_LOOK_SECONDS)
    raise Unavailable("the address is not checked yet; ask again in a moment")
