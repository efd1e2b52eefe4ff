"""Deposits and withdrawals in the tables against their rows in Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.audit.check import PAGE, Suspect, differing, pages
from activities.projecting.reading import custody_state
from projections.chain import Deposit, Withdrawal
from storage import dynamo_chain
from storage.dynamo import Dynamo
from storage.projection_sources import custody_ids, custody_rows
from streams.custody_events import from_row

_TYPES = {"deposit": Deposit, "withdrawal": Withdrawal}
_NOT_COMPARED = {"version", "changed_at_ms"}
"""The outbox numbers its rows itself; a row may change in columns that nobody is told of."""


class CustodyCheck:
    def __init__(self, engine: AsyncEngine, dynamo: Dynamo, kind: str) -> None:
        self._engine = engine
        self._dynamo = dynamo
        self._kind = kind

    @property
    def name(self) -> str:
        return f"projections = sources: {self._kind}s"

    async def first(self) -> AsyncIterator[Suspect]:
        wanted = _TYPES[self._kind]
        states = (each for each in dynamo_chain.scan(self._dynamo) if isinstance(each, wanted))
        seen: set[str] = set()
        async for page in pages(states):
            found = {each.id: each for each in page if isinstance(each, Deposit | Withdrawal)}
            seen |= found.keys()
            for suspect in await self._compare(found.keys(), found):
                yield suspect
        async for ids in custody_ids(self._engine, self._kind):
            for suspect in await self.again(set(ids) - seen):
                yield suspect

    async def again(self, keys: Collection[str]) -> list[Suspect]:
        suspects = []
        async for page in pages(keys):
            found = await asyncio.to_thread(self._read, page)
            suspects += await self._compare(page, found)
        return suspects

    def _read(self, ids: list[str]) -> dict[str, Deposit | Withdrawal]:
        find = (
            dynamo_chain.find_deposits if self._kind == "deposit" else dynamo_chain.find_withdrawals
        )
        return {each.id: each for each in find(self._dynamo, ids)}

    async def _compare(
        self, ids: Collection[str], found: dict[str, Deposit | Withdrawal]
    ) -> list[Suspect]:
        assert len(ids) <= PAGE
        rows = await custody_rows(self._engine, self._kind, list(ids))
        suspects = []
        for each in ids:
            detail = _compared(rows.get(each), found.get(each))
            if detail:
                suspects.append(Suspect(each, f"{self._kind} {each}", detail))
        return suspects


def _compared(row: dict[str, object] | None, found: Deposit | Withdrawal | None) -> str:
    if row is None:
        return "" if found is None else "not in Postgres"
    if found is None:
        return "not in the projections"
    expected = asdict(custody_state(from_row(0, row)))
    for name in _NOT_COMPARED:
        del expected[name]
    return differing(expected, asdict(found))
