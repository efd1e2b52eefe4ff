"""Names against the loaded lists. The index is rebuilt when a list changed, before the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from prometheus_client import Counter, Gauge

from activities.kyc_messages import ClearedMatches, PartyMatch
from compliance.profile import Profile
from compliance.screening import ListedParty, Match, PartyIndex
from domain.ids import CustomerId
from storage.screening import ClearedMatch, ScreeningRow

logger = logging.getLogger(__name__)

SCREENED = Counter("screening_names_total", "Names screened", ["clear"])
PARTIES = Gauge("screening_parties", "Parties in the index")


class Store(Protocol):
    async def versions(self) -> dict[str, str]: ...
    async def parties(self) -> list[ListedParty]: ...
    async def write_down(self, row: ScreeningRow) -> None: ...
    async def cleared(self, customer_id: CustomerId) -> set[tuple[str, str, str]]: ...
    async def clear(self, cleared: Sequence[ClearedMatch], officer: str, reason: str) -> None: ...


class ListScreening:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._index: PartyIndex | None = None
        self._versions: dict[str, str] = {}
        self._loading = asyncio.Lock()

    @property
    def versions(self) -> dict[str, str]:
        """Of the lists in the index."""
        return dict(self._versions)

    async def index(self) -> PartyIndex:
        """The index of the lists as loaded now: one small query tells whether they changed."""
        versions = await self._store.versions()
        async with self._loading:
            if self._index is None or versions != self._versions:
                parties = await self._store.parties()
                self._index = await asyncio.to_thread(PartyIndex, parties)
                self._versions = versions
                PARTIES.set(len(self._index))
                logger.info("screening index built", extra={"parties": len(self._index)})
            return self._index

    async def matches(self, customer_id: CustomerId, profile: Profile) -> list[Match]:
        """Without those an officer cleared, unless the listed party changed since."""
        found = (await self.index()).screen(profile)
        if not found:
            return []
        cleared = await self._store.cleared(customer_id)
        return [match for match in found if _key(match.party) not in cleared]

    async def screen(self, customer_id: CustomerId, profile: Profile) -> list[PartyMatch]:
        """Matches for the officer; that and against what was screened is written down."""
        found = await self.matches(customer_id, profile)
        SCREENED.labels(str(not found).lower()).inc()
        await self._store.write_down(
            ScreeningRow(
                customer_id=customer_id,
                subject="customer",
                reference=f"kyc/{customer_id}",
                lists=self.versions,
                clear=not found,
                score=max((match.score for match in found), default=0),
                matches=[_short(match) for match in found],
            )
        )
        return [_for_officer(match) for match in found]

    async def screen_originators(
        self, customer_id: CustomerId, reference: str, names: Sequence[str]
    ) -> list[Match]:
        """Who sent coins to a customer, by name alone: best match first, written down."""
        index = await self.index()
        found = [match for name in names for match in index.screen_name(name)]
        found.sort(key=lambda match: -match.score)
        SCREENED.labels(str(not found).lower()).inc(len(names))
        await self._store.write_down(
            ScreeningRow(
                customer_id=customer_id,
                subject="originator",
                reference=reference,
                lists=self.versions,
                clear=not found,
                score=max((match.score for match in found), default=0),
                matches=[_short(match) for match in found],
            )
        )
        return found

    async def clear(self, cleared: ClearedMatches) -> None:
        rows = [
            ClearedMatch(
                customer_id=CustomerId(cleared.customer_id),
                list_name=match.list_name,
                uid=match.uid,
                fingerprint=match.fingerprint,
            )
            for match in cleared.matches
        ]
        await self._store.clear(rows, cleared.officer, cleared.reason)


def _key(party: ListedParty) -> tuple[str, str, str]:
    return party.list_name, party.uid, party.fingerprint


def _short(match: Match) -> dict[str, str | int]:
    """For the database: the listed party, which is public, and the score."""
    return {"list": match.party.list_name, "uid": match.party.uid, "score": match.score}


def _for_officer(match: Match) -> PartyMatch:
    return PartyMatch(
        list_name=match.party.list_name,
        uid=match.party.uid,
        listed_name=match.listed_name,
        score=match.score,
        explanation=match.explanation,
        programs=list(match.party.programs),
        fingerprint=match.party.fingerprint,
    )
