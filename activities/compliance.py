"""Addresses against the loaded lists, before coins are credited or sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from temporalio import activity

from activities.screening_messages import ScreenAddress, Screening
from compliance.addresses import compared
from compliance.lists.parsed import ListedAddress
from domain.ids import CustomerId
from storage.screening import ScreeningRow

_LISTED_SCORE = 100


class Store(Protocol):
    async def versions(self) -> dict[str, str]: ...
    async def find_addresses(self, addresses: Sequence[str]) -> list[ListedAddress]: ...
    async def write_down(self, row: ScreeningRow) -> None: ...


class AddressScreening:
    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.screen_address]

    @activity.defn
    async def screen_address(self, asked: ScreenAddress) -> Screening:
        """Look each address up and write down what was found, and by which lists."""
        found = await self._store.find_addresses([compared(each) for each in asked.addresses])
        score = _LISTED_SCORE if found else 0
        await self._store.write_down(
            ScreeningRow(
                customer_id=CustomerId(asked.customer_id),
                subject="address",
                reference=asked.reference,
                lists=await self._store.versions(),
                clear=not found,
                score=score,
                matches=[
                    {"address": each.address, "list": each.list_name, "category": each.category}
                    for each in found
                ],
            )
        )
        reason = ", ".join(sorted({f"{each.category} by {each.list_name}" for each in found}))
        return Screening(is_clear=not found, score=score, reason=reason, reference=asked.reference)
