"""The ledger on a real PostgreSQL against a model of a dozen lines: any sequence, same answers.

Hypothesis makes up the sequences, and shortens one that fails. RIALTO_TEST_ALL=1 searches longer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from devstack.rented import Database
from domain.errors import (
    ExchangeError,
    IdempotencyBodyDiffers,
    InsufficientAvailable,
    WrongState,
)
from domain.ids import CustomerId, EntryId, HoldId
from ledger.account import available
from ledger.entry import (
    CaptureHold,
    EntryReason,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
)
from storage.hold_expiry import expire_holds
from storage.reversals import reversal_id, reverse
from tests.storage.world import BTC, World, deposit, new_customer, opened, pay, unique

pytestmark = [pytest.mark.stack, pytest.mark.slow]

EXAMPLES, STEPS = (150, 60) if os.environ.get("RIALTO_TEST_ALL") else (12, 30)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CUSTOMERS = 3
T = TypeVar("T")

Customers = st.integers(0, CUSTOMERS - 1)
Units = st.integers(1, 120)


@dataclass
class Held:
    """A hold, as the model has it."""

    owner: int
    units: int
    remaining: int
    expires: bool = False


class LedgerModel(RuleBasedStateMachine):
    """Three customers and one asset. What the model foresees, the ledger must answer."""

    world: ClassVar[World]
    runner: ClassVar[asyncio.Runner]

    entries = Bundle("entries")
    holds = Bundle("holds")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def open_bank(self) -> None:
        self.customers: list[CustomerId] = [new_customer() for _ in range(CUSTOMERS)]
        self.free = [0] * CUSTOMERS
        self.held: dict[HoldId, Held] = {}
        self.posted: set[EntryId] = set()
        self.refused: dict[EntryId, type[ExchangeError]] = {}
        self.reversed: set[EntryId] = set()

    def answer(self, entry: JournalEntry) -> type[ExchangeError] | bool:
        """The refusal's type, or whether the entry had been posted before."""
        try:
            return self.run(self.world.ledger.post(entry)).replayed
        except ExchangeError as refusal:
            return type(refusal)

    def post(self, entry: JournalEntry, foreseen: type[ExchangeError] | None) -> None:
        assert self.answer(entry) == (foreseen or False)
        if foreseen is None:
            self.posted.add(entry.id)
        else:
            self.refused[entry.id] = foreseen

    @rule(target=entries, who=Customers, units=Units)
    def receive(self, who: int, units: int) -> JournalEntry:
        entry = deposit(self.customers[who], BTC, units)
        self.post(entry, None)
        self.free[who] += units
        return entry

    @rule(target=entries, payer=Customers, step=st.integers(1, CUSTOMERS - 1), units=Units)
    def pay_somebody(self, payer: int, step: int, units: int) -> JournalEntry:
        payee = (payer + step) % CUSTOMERS
        entry = pay(self.customers[payer], self.customers[payee], units)
        fits = self.free[payer] >= units
        self.post(entry, None if fits else InsufficientAvailable)
        if fits:
            self.free[payer] -= units
            self.free[payee] += units
        return entry

    @rule(target=holds, who=Customers, units=Units, expires=st.booleans())
    def hold(self, who: int, units: int, expires: bool) -> Any:
        name = HoldId(unique("h"))
        place = PlaceHold(name, self.customers[who], BTC, units, LONG_AGO if expires else None)
        fits = self.free[who] >= units
        self.post(_of_hold(place), None if fits else InsufficientAvailable)
        if not fits:
            return multiple()
        self.free[who] -= units
        self.held[name] = Held(who, units, units, expires)
        return name

    @rule(name=holds, units=Units)
    def hold_more(self, name: HoldId, units: int) -> None:
        hold = self.held[name]
        place = PlaceHold(name, self.customers[hold.owner], BTC, units)
        if hold.remaining == 0:
            self.post(_of_hold(place), WrongState)
        elif self.free[hold.owner] < units:
            self.post(_of_hold(place), InsufficientAvailable)
        else:
            self.post(_of_hold(place), None)
            self.free[hold.owner] -= units
            hold.units += units
            hold.remaining += units

    @rule(name=holds, to=Customers, units=Units)
    def capture(self, name: HoldId, to: int, units: int) -> None:
        hold = self.held[name]
        credit = available(self.customers[to], BTC)
        entry = _of_hold(CaptureHold(name, self.customers[hold.owner], credit, units))
        fits = units <= hold.remaining
        self.post(entry, None if fits else WrongState)
        if fits:
            hold.remaining -= units
            self.free[to] += units

    @rule(name=holds, units=st.none() | Units)
    def release(self, name: HoldId, units: int | None) -> None:
        hold = self.held[name]
        entry = _of_hold(ReleaseHold(name, self.customers[hold.owner], BTC, units))
        given_back = hold.remaining if units is None else units
        fits = given_back <= hold.remaining
        self.post(entry, None if fits else WrongState)
        if fits:
            hold.remaining -= given_back
            self.free[hold.owner] += given_back

    @rule()
    def expire(self) -> None:
        expired = set(self.run(_patiently(lambda: expire_holds(self.world.ledger))))
        foreseen = {name for name, hold in self.held.items() if hold.expires and hold.remaining}
        assert foreseen <= expired
        for name in foreseen:
            hold = self.held[name]
            self.free[hold.owner] += hold.remaining
            hold.remaining = 0

    @rule(entry=entries)
    def ask_again(self, entry: JournalEntry) -> None:
        """The same id and body: the same answer, though a refused one might fit by now."""
        assert self.answer(entry) == self.refused.get(entry.id, True)

    @rule(entry=entries)
    def ask_for_something_else(self, entry: JournalEntry) -> None:
        other = replace(entry, cause="another body")
        assert self.answer(other) is IdempotencyBodyDiffers

    @rule(entry=entries)
    def undo(self, entry: JournalEntry) -> None:
        """An entry is reversed once, when what it gave is still there."""
        [transfer] = entry.transfers
        giver, taker = self._place(transfer.credit), self._place(transfer.debit)
        try:
            replayed = self.run(reverse(self.world.ledger, entry.id, "undone")).replayed
        except WrongState:
            assert entry.id not in self.posted
        except InsufficientAvailable:
            assert entry.id not in self.reversed
            assert giver is not None
            assert self.free[giver] < transfer.units
        else:
            assert replayed == (entry.id in self.reversed)
            if not replayed:
                self.reversed.add(entry.id)
                self.posted.add(reversal_id(entry.id))
                self._move(giver, -transfer.units)
                self._move(taker, transfer.units)

    @rule(
        amounts=st.lists(st.tuples(Customers, Customers, Units), min_size=2, max_size=8),
    )
    def all_at_once(self, amounts: list[tuple[int, int, int]]) -> None:
        """Payments that share a commit, in their order: one that is refused harms no other."""
        pairs = [(a, b, units) for a, b, units in amounts if a != b]
        entries = [pay(self.customers[a], self.customers[b], units) for a, b, units in pairs]
        answers = self.run(self._post_all(entries))
        for (payer, payee, units), entry, answer in zip(pairs, entries, answers, strict=True):
            fits = self.free[payer] >= units
            assert isinstance(answer, InsufficientAvailable) is not fits
            if fits:
                self.posted.add(entry.id)
                self.free[payer] -= units
                self.free[payee] += units

    @rule()
    def lose_every_connection(self) -> None:
        self.run(self._cut())

    @invariant()
    def balances_are_as_foreseen(self) -> None:
        for place, customer in enumerate(getattr(self, "customers", ())):
            held = sum(h.remaining for h in self.held.values() if h.owner == place)
            assert self.run(self.world.balance(customer, BTC)) == (self.free[place], held)

    def teardown(self) -> None:
        if hasattr(self, "customers"):
            self.run(self._check_at_the_end())

    async def _post_all(self, entries: list[JournalEntry]) -> list[Any]:
        posts = (self.world.ledger.post(entry) for entry in entries)
        return await asyncio.gather(*posts, return_exceptions=True)

    async def _cut(self) -> None:
        """From the server's side, by a connection of the same role."""
        worker = await asyncpg.connect(self.world.database.worker.replace("+asyncpg", ""))
        try:
            await worker.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'rialto-ledger' AND datname = current_database()"
            )
        finally:
            await worker.close()

    async def _check_at_the_end(self) -> None:
        for name, hold in self.held.items():
            found = await self.world.ledger.hold(name)
            assert found
            assert (found.units, found.remaining_units) == (hold.units, hold.remaining)
        names = [*self.posted, *self.refused]
        query = "SELECT id FROM journal_entries WHERE id = ANY($1::text[])"
        rows = await _patiently(lambda: self.world.ledger.pool.fetch(query, names))
        assert {row["id"] for row in rows} == self.posted
        await self.world.assert_conserved()

    def _place(self, ref: Any) -> int | None:
        """Which of the customers; None for the exchange's own wallet."""
        return None if ref.customer_id is None else self.customers.index(ref.customer_id)

    def _move(self, place: int | None, units: int) -> None:
        if place is not None:
            self.free[place] += units


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Again after each connection that turns out to be cut; the pool has six."""
    for _ in range(10):
        with suppress(asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
            return await work()
    return await work()


def _of_hold(change: PlaceHold | CaptureHold | ReleaseHold) -> JournalEntry:
    return JournalEntry(EntryId(unique("e")), EntryReason.HOLD, "model", (), (change,))


@pytest.fixture
def machine(database: Database) -> Iterator[type[LedgerModel]]:
    """The model beside a ledger of its own, on an event loop of its own."""
    with asyncio.Runner() as runner:
        opening = opened(database)
        LedgerModel.runner = runner
        LedgerModel.world = runner.run(opening.__aenter__())
        yield LedgerModel
        runner.run(opening.__aexit__(None, None, None))


def test_any_sequence_is_answered_as_foreseen(machine: type[LedgerModel]):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
