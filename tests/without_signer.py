"""For tests of other things, in which no signer runs."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def count_new_addresses_as_checked(owner: AsyncEngine) -> None:
    """As if the signer derived each deposit address in the moment it is issued."""
    async with owner.begin() as connection:
        await connection.execute(
            text("ALTER TABLE deposit_addresses ALTER COLUMN verified_at SET DEFAULT now()")
        )
