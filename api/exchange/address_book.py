"""The customer's address book, allow-list mode and holds, as routes ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from compliance.tiers import LIMITS, Flow, Tier, Usage
from domain.ids import CustomerId
from domain.money import Asset
from storage import address_book, withdrawal_rules
from storage.address_book import WithdrawalSettings
from storage.catalog import Catalog

NormalAddress = Callable[[Asset, str], str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of withdrawals, in the reference asset's units; None: no limit."""

    tier: Tier
    day_units: int | None
    month_units: int | None
    used: Usage


class AddressBook:
    def __init__(
        self, engine: AsyncEngine, catalog: Catalog, normal_address: NormalAddress
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._normal_address = normal_address

    async def add(
        self, customer_id: CustomerId, *, asset: str, address: str, memo: str, label: str
    ) -> Row[Any]:
        """Usable after the time lock. Raises UnknownAsset, InvalidAddress."""
        listed = self._catalog.asset(asset)
        normal = self._normal_address(listed, address)
        async with self._engine.begin() as connection:
            return await address_book.add(
                connection,
                customer_id,
                chain=self._catalog.chains[listed.code],
                address=normal,
                label=label,
                memo=memo,
            )

    async def entries(
        self, customer_id: CustomerId, *, before: int | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Newest first."""
        async with self._engine.connect() as connection:
            return await address_book.entries(connection, customer_id, before=before, limit=limit)

    async def remove(self, customer_id: CustomerId, entry_id: int) -> None:
        """Raises UnknownAddress."""
        async with self._engine.begin() as connection:
            await address_book.remove(connection, customer_id, entry_id)

    async def settings(self, customer_id: CustomerId) -> tuple[WithdrawalSettings, Limits]:
        """What is in force now, and the limits with what is used of them."""
        async with self._engine.connect() as connection:
            found = await address_book.settings(connection, customer_id)
            tier, used = await withdrawal_rules.usage(connection, customer_id)
        limit = LIMITS[tier][Flow.WITHDRAW]
        return found, Limits(tier, limit.day_units, limit.month_units, used)

    async def set_allow_list(self, customer_id: CustomerId, *, is_on: bool) -> None:
        async with self._engine.begin() as connection:
            await address_book.set_allow_list(connection, customer_id, is_on=is_on)

    async def hold_for_security(self, customer_id: CustomerId, reason: str) -> None:
        """Call before the change it is for: a crash in between must not leave it out."""
        async with self._engine.begin() as connection:
            await address_book.hold_for_security(connection, customer_id, reason)
