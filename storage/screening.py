"""Lists as loaded, what screening found, and what officers cleared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from compliance.lists.parsed import ListedAddress, LoadedList
from compliance.screening import ListedParty
from domain.ids import CustomerId
from storage.tables_compliance import (
    cleared_matches,
    listed_addresses,
    listed_parties,
    screening_lists,
    screenings,
)

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    customer_id: CustomerId
    subject: str
    reference: str
    lists: dict[str, str]
    clear: bool
    score: int
    matches: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ClearedMatch:
    customer_id: CustomerId
    list_name: str
    uid: str
    fingerprint: str


class ScreeningStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def replace_list(self, loaded: LoadedList) -> bool:
        """Put a new version in the place of the old, at once. False: this version is loaded."""
        async with self._engine.begin() as connection:
            known = await connection.execute(
                select(screening_lists.c.version)
                .where(screening_lists.c.name == loaded.name)
                .with_for_update()
            )
            if known.scalar_one_or_none() == loaded.version:
                return False
            await _write_list(connection, loaded)
        return True

    async def versions(self) -> dict[str, str]:
        """Which version of which list is loaded."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(screening_lists.c.name, screening_lists.c.version)
            )
            return {row.name: row.version for row in rows}

    async def lists(self) -> list[dict[str, Any]]:
        """Every loaded list: name, version, published_on, parties, loaded_at."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(screening_lists).order_by(screening_lists.c.name)
            )
            return [dict(row) for row in rows.mappings()]

    async def last_matches(self, customer_id: CustomerId) -> set[tuple[str, str]] | None:
        """(list, uid) of what the newest screening of the customer found; None: none was made."""
        statement = (
            select(screenings.c.matches)
            .where(screenings.c.customer_id == customer_id, screenings.c.subject == "customer")
            .order_by(screenings.c.id.desc())
            .limit(1)
        )
        async with self._engine.connect() as connection:
            matches = (await connection.execute(statement)).scalar_one_or_none()
        return None if matches is None else {(each["list"], each["uid"]) for each in matches}

    async def parties(self) -> list[ListedParty]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(listed_parties).order_by(listed_parties.c.list, listed_parties.c.uid)
            )
            return [
                ListedParty(
                    list_name=row.list,
                    uid=row.uid,
                    kind=row.kind,
                    names=tuple(row.names),
                    birth_dates=tuple(row.birth_dates),
                    countries=tuple(row.countries),
                    programs=tuple(row.programs),
                )
                for row in rows
            ]

    async def find_addresses(self, addresses: Sequence[str]) -> list[ListedAddress]:
        statement = select(listed_addresses).where(listed_addresses.c.address.in_(addresses))
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(listed_addresses.c.list))
            return [
                ListedAddress(row.address, row.list, row.category, row.party_uid) for row in rows
            ]

    async def write_down(self, row: ScreeningRow) -> None:
        values = {name: getattr(row, name) for name in ScreeningRow.__dataclass_fields__}
        async with self._engine.begin() as connection:
            await connection.execute(insert(screenings).values(values))

    async def clear(self, cleared: Sequence[ClearedMatch], officer: str, reason: str) -> None:
        rows = [
            {
                "customer_id": one.customer_id,
                "list": one.list_name,
                "uid": one.uid,
                "fingerprint": one.fingerprint,
                "officer": officer,
                "reason": reason,
            }
            for one in cleared
        ]
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(
                    postgres_insert(cleared_matches).on_conflict_do_nothing(), rows
                )

    async def cleared(self, customer_id: CustomerId) -> set[tuple[str, str, str]]:
        """(list, uid, fingerprint) of what officers found to be other people."""
        table = cleared_matches.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(table.list, table.uid, table.fingerprint).where(
                    table.customer_id == customer_id
                )
            )
            return {(row.list, row.uid, row.fingerprint) for row in rows}


async def _write_list(connection: AsyncConnection, loaded: LoadedList) -> None:
    head = {
        "version": loaded.version,
        "published_on": loaded.published_on,
        "parties": len(loaded.parties),
        "loaded_at": func.now(),
    }
    await connection.execute(
        postgres_insert(screening_lists)
        .values(name=loaded.name, **head)
        .on_conflict_do_update(index_elements=["name"], set_=head)
    )
    for table in (listed_parties, listed_addresses):
        await connection.execute(delete(table).where(table.c.list == loaded.name))
    parties = [
        {
            "list": loaded.name,
            "uid": party.uid,
            "kind": party.kind,
            "names": list(party.names),
            "birth_dates": list(party.birth_dates),
            "countries": list(party.countries),
            "programs": list(party.programs),
        }
        for party in loaded.parties
    ]
    for start in range(0, len(parties), _CHUNK):
        await connection.execute(insert(listed_parties), parties[start : start + _CHUNK])
    addresses = [
        {
            "address": one.address,
            "list": loaded.name,
            "category": one.category,
            "party_uid": one.party_uid,
        }
        for one in loaded.addresses
    ]
    if addresses:
        await connection.execute(
            postgres_insert(listed_addresses).on_conflict_do_nothing(), addresses
        )
