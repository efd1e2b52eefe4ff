"""Who sends coins to our customers, against the lists: a hit holds the deposit and opens a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from activities.screening_messages import OriginatorCheck, ScreenAddress
from compliance.monitoring import ListedOriginator
from compliance.screening import Match
from domain.ids import CustomerId


class Lists(Protocol):
    async def screen_originators(
        self, customer_id: CustomerId, reference: str, names: Sequence[str]
    ) -> list[Match]: ...


class Alerts(Protocol):
    async def raise_listed_originator(
        self, customer_id: CustomerId, found: ListedOriginator
    ) -> None: ...


class OriginatorScreening:
    def __init__(self, lists: Lists, alerts: Alerts) -> None:
        self._lists = lists
        self._alerts = alerts

    async def weigh(self, asked: ScreenAddress, names: Sequence[str]) -> OriginatorCheck:
        """The names that came with a deposit. Repeated, it raises the same one alert."""
        customer_id = CustomerId(asked.customer_id)
        found = await self._lists.screen_originators(customer_id, asked.reference, names)
        if not found:
            return OriginatorCheck(has_arrived=True)
        best = found[0]
        alert = ListedOriginator(
            asked.reference, best.party.list_name, best.party.uid, score=best.score
        )
        await self._alerts.raise_listed_originator(customer_id, alert)
        return OriginatorCheck(
            has_arrived=True,
            score=best.score,
            reason=alert.sentence,
            for_officers=[_explained(match) for match in found],
        )


def _explained(match: Match) -> str:
    entry = f"{match.party.list_name} {match.party.uid}"
    return f"{match.score}: {match.listed_name} ({entry}): {match.explanation}"
