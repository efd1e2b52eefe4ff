"""A bank's customers: they pay each other, hold, capture and release, and note what they were told.

Run as `python -m tests.storage.bank URL NAME SEED CUSTOMER...` it is one of many clients in a
process of its own, which prints every entry that was acknowledged, and can be killed.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import ExchangeError
from domain.ids import CustomerId, EntryId, HoldId
from domain.money import AssetCode
from ledger.account import available
from ledger.entry import (
    CaptureHold,
    EntryReason,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
)
from storage.engine import create_engine
from storage.ledger import Ledger, OutcomeUnknown

ASSETS = (AssetCode("BTC"), AssetCode("USDT"))


@dataclass
class Client:
    """Posts random entries one after another; `acknowledged` and `refused` are certain answers."""

    ledger: Ledger
    name: str
    dice: random.Random
    customers: Sequence[CustomerId]
    acknowledged: list[JournalEntry] = field(default_factory=list)
    refused: list[JournalEntry] = field(default_factory=list)
    unknown: list[JournalEntry] = field(default_factory=list)
    aloud: bool = False
    _holds: list[PlaceHold] = field(default_factory=list)
    _count: int = 0

    async def work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.post(self.next_entry())

    async def post(self, entry: JournalEntry) -> None:
        try:
            await self.ledger.post(entry)
        except OutcomeUnknown:
            self.unknown.append(entry)
        except ExchangeError:
            self.refused.append(entry)
        else:
            self.acknowledged.append(entry)
            if self.aloud:
                sys.stdout.write(f"{entry.id}\n")
                sys.stdout.flush()

    def next_entry(self) -> JournalEntry:
        self._count += 1
        name = EntryId(f"{self.name}:{self._count}")
        kind = self.dice.random()
        if kind < 0.5 or (kind >= 0.75 and not self._holds):
            return JournalEntry(name, EntryReason.ADJUSTMENT, "bank", (self._payment(),))
        if kind < 0.75:
            customer, asset = self.dice.choice(self.customers), self.dice.choice(ASSETS)
            place = PlaceHold(HoldId(f"hold:{name}"), customer, asset, self.dice.randint(1, 60))
            self._holds.append(place)
            return JournalEntry(name, EntryReason.HOLD, "bank", (), (place,))
        hold = self.dice.choice(self._holds)
        if kind < 0.9:
            credit = available(self.dice.choice(self.customers), hold.asset)
            capture = CaptureHold(hold.hold_id, hold.customer_id, credit, self.dice.randint(1, 40))
            return JournalEntry(name, EntryReason.RELEASE, "bank", (), (capture,))
        self._holds.remove(hold)
        release = ReleaseHold(hold.hold_id, hold.customer_id, hold.asset)
        return JournalEntry(name, EntryReason.RELEASE, "bank", (), (release,))

    def _payment(self) -> Transfer:
        debit, credit = self.dice.sample(self.customers, 2)
        asset = self.dice.choice(ASSETS)
        return Transfer(available(debit, asset), available(credit, asset), self.dice.randint(1, 80))


async def main(url: str, name: str, seed: int, customers: Sequence[CustomerId]) -> None:
    ledger = await Ledger.open(create_engine(url))
    clients = [
        Client(ledger, f"{name}.{n}", random.Random(seed + n), customers, aloud=True)
        for n in range(8)
    ]
    await asyncio.gather(*(client.work(asyncio.Event()) for client in clients))


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), [CustomerId(int(n)) for n in sys.argv[4:]])
    )
