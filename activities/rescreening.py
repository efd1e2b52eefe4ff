"""Every customer against the lists as they are now, a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from temporalio import activity

from activities.kyc import about_customer
from activities.rescreening_messages import RescreenedPage, RescreenHit, RescreeningDone
from activities.screening import ListScreening
from compliance.profile import Profile
from compliance.screening import Match
from domain.ids import CustomerId
from storage.kyc import Audited
from streams.envelope import Envelope

PAGE = 500
"""Names a page: about a quarter of a second of searching, far less than the activity's timeout."""


class Customers(Protocol):
    async def profiles_after(
        self, customer_id: int, limit: int
    ) -> list[tuple[CustomerId, bytes]]: ...
    async def audit_once(self, key: str, audited: Audited) -> None: ...


class Screened(Protocol):
    async def last_matches(self, customer_id: CustomerId) -> set[tuple[str, str]] | None: ...


class RescreeningActivities:
    def __init__(
        self, customers: Customers, screened: Screened, lists: ListScreening, envelope: Envelope
    ) -> None:
        self._customers = customers
        self._screened = screened
        self._lists = lists
        self._envelope = envelope

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.page, self.done]

    @activity.defn(name="rescreen_page")
    async def page(self, after_customer_id: int) -> RescreenedPage:
        """Screen the next customers. Only reads, so a repeat finds the same."""
        profiles = await self._customers.profiles_after(after_customer_id, PAGE)
        if not profiles:
            return RescreenedPage(names=0, last_customer_id=after_customer_id)
        hits: list[RescreenHit] = []
        for customer_id, sealed in profiles:
            plain = await self._envelope.open_packed(sealed, about_customer(customer_id))
            profile = msgspec.json.decode(plain, type=Profile)
            found = await self._lists.matches(customer_id, profile)
            if found and not await self._is_known(customer_id, found):
                hits.append(_hit(customer_id, found))
            await asyncio.sleep(0)  # Others of this worker have their turn between two names.
        return RescreenedPage(names=len(profiles), last_customer_id=int(profiles[-1][0]), hits=hits)

    @activity.defn(name="rescreening_done")
    async def done(self, finished: RescreeningDone) -> None:
        """One audit line a run: when, why, how many, against which versions."""
        details = {
            "reason": finished.reason,
            "names": finished.names,
            "hits": finished.hits,
            "lists": self._lists.versions,
        }
        audited = Audited("system", "screening.all_screened", "screening", details)
        await self._customers.audit_once(finished.run, audited)

    async def _is_known(self, customer_id: CustomerId, found: Sequence[Match]) -> bool:
        """Whether the customer's case weighed these very matches: an officer has them before him.

        To say so again would undo approvals given meanwhile.
        """
        known = await self._screened.last_matches(customer_id)
        return known is not None and {_key(match) for match in found} <= known


def _key(match: Match) -> tuple[str, str]:
    return match.party.list_name, match.party.uid


def _hit(customer_id: CustomerId, found: Sequence[Match]) -> RescreenHit:
    best = found[0]
    return RescreenHit(
        customer_id=customer_id,
        list_name=best.party.list_name,
        score=best.score,
        is_certain=any(match.is_certain for match in found),
    )
