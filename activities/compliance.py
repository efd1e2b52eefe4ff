"""Addresses against the loaded lists, before coins are credited or sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from temporalio import activity

from activities.screening_messages import OriginatorCheck, ScreenAddress, Screening
from compliance.addresses import compared
from compliance.lists.parsed import ListedAddress
from domain.ids import CustomerId
from storage.screening import ScreeningRow
from streams.travel_rule import NetworkUnavailable

_LISTED_SCORE = 100
_NOT_ASKED = OriginatorCheck(has_arrived=True)


class Store(Protocol):
    async def versions(self) -> dict[str, str]: ...
    async def find_addresses(self, addresses: Sequence[str]) -> list[ListedAddress]: ...
    async def write_down(self, row: ScreeningRow) -> None: ...


class TransferRules(Protocol):
    """The travel rule."""

    async def is_due(self, asked: ScreenAddress) -> bool: ...
    async def screen_originator(self, asked: ScreenAddress) -> OriginatorCheck:
        """Raises NetworkUnavailable."""


class DepositLimits(Protocol):
    async def value_units(self, asset: str, amount: str) -> int: ...
    async def count_deposit(self, customer_id: int, reference: str, value_units: int) -> str: ...


class AddressScreening:
    def __init__(self, store: Store, travel_rule: TransferRules, limits: DepositLimits) -> None:
        self._store = store
        self._travel_rule = travel_rule
        self._limits = limits

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.screen_address]

    @activity.defn
    async def screen_address(self, asked: ScreenAddress) -> Screening:
        """Look each address up and write down what was found, and by which lists.

        A deposit must also fit its customer's tier, and a large one waits for its sender's data.
        """
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
        screening = Screening(
            is_clear=not found, score=score, reason=reason, reference=asked.reference
        )
        screening.travel_rule_due = await self._travel_rule.is_due(asked)
        if asked.subject == "deposit":
            await self._hold_if_needed(screening, asked)
        return screening

    async def _hold_if_needed(self, screening: Screening, asked: ScreenAddress) -> None:
        value_units = await self._limits.value_units(asked.asset, asked.amount)
        too_much = await self._limits.count_deposit(asked.customer_id, asked.reference, value_units)
        check = await self._originator(asked) if screening.travel_rule_due else _NOT_ASKED
        is_clear = screening.is_clear and not too_much
        screening.awaits_originator = is_clear and not check.has_arrived
        screening.is_clear = is_clear and check.is_clear
        screening.score = max(screening.score, check.score)
        screening.for_officers = check.for_officers
        reasons = (screening.reason, too_much, check.reason)
        screening.reason = "; ".join(each for each in reasons if each)

    async def _originator(self, asked: ScreenAddress) -> OriginatorCheck:
        """A network that is away holds the deposit like one that is silent: its screening is
        written down, staff see it, and the workflow asks on.
        """
        try:
            check = await self._travel_rule.screen_originator(asked)
        except NetworkUnavailable:
            return OriginatorCheck(
                has_arrived=False,
                reason="travel rule: the network cannot be reached, it is asked again",
            )
        if not check.has_arrived:
            check.reason = "travel rule: the originator's data is awaited"
        return check
