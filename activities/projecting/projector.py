"""The data processor's one function: apply a batch of stream records to every living store.

Three ways to fail, three treatments. An event that cannot be read or applied goes to the dead
letters and the rest goes on. A store or queue that does not answer fails the batch, which comes
again. A search index that does not answer is waited for in the tables.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from botocore.exceptions import ClientError

from activities.projecting import chain
from activities.projecting.market import MarketProjection
from activities.projecting.reading import Facts, Poison, StreamRecord, read
from activities.projecting.store import Store
from domain.errors import ExchangeError
from projections.listings import Listings
from storage.search_index import DocumentRefused
from streams.aws import error_code
from streams.kinesis import split_aggregate

logger = logging.getLogger(__name__)

_DATA_FAULTS = (ValueError, TypeError, KeyError, AssertionError, ArithmeticError, ExchangeError)
"""What wrong data makes our code raise. Everything else is a fault of something else: try again."""


@dataclass(frozen=True, slots=True)
class Applied:
    records: int
    events: int
    poisons: int


class Letters(Protocol):
    """Takes what cannot be applied: DeadLetters."""

    def send(self, poisons: Sequence[Poison]) -> None: ...

    def send_documents(self, generation: int, refused: Sequence[DocumentRefused]) -> None: ...


class Projector:
    """Used by one thread at a time."""

    def __init__(
        self,
        stores: Callable[[], Sequence[Store]],
        listings: Callable[[], Listings],
        dead_letters: Letters,
        *,
        again: bool = False,
    ) -> None:
        """`stores` answers the living generations, the serving one first; `again` also applies
        what is noted as applied.
        """
        self._stores = stores
        self._listings = listings
        self._dead_letters = dead_letters
        self._again = again
        self._markets: dict[int, MarketProjection] = {}

    def apply(self, records: Sequence[StreamRecord]) -> Applied:
        """Apply all records, or raise and have applied some: then they must come again."""
        poisons, events = self._apply_what_can_be(records)
        if poisons:
            logger.error(
                "events could not be applied",
                extra={"count": len(poisons), "reason": poisons[0].reason[:500]},
            )
            self._dead_letters.send(poisons)
        return Applied(len(records), events, len(poisons))

    def try_apply(self, records: Sequence[StreamRecord], *, dry_run: bool) -> list[Poison]:
        """Apply what can be applied and return what cannot, writing no dead letter.

        A dry run only reads the records.
        """
        if dry_run:
            return read(list(records)).poisons
        return self._apply_what_can_be(records)[0]

    def _apply_what_can_be(self, records: Sequence[StreamRecord]) -> tuple[list[Poison], int]:
        facts = read(list(records))
        poisons = facts.poisons
        try:
            self._apply(facts)
        except Exception as error:
            if not _is_data_fault(error):
                raise
            poisons = self._one_by_one(records, error)
        return poisons, _count(facts)

    def _one_by_one(self, records: Sequence[StreamRecord], error: Exception) -> list[Poison]:
        """Find the events that cannot be applied, by halves; everything else is applied."""
        if len(records) == 1:
            [record] = records
            records = [replace(record, data=line) for line in split_aggregate(record.data)]
            if len(records) < 2:
                return [Poison(record, record.data, f"{type(error).__name__}: {error}")]
        middle = len(records) // 2
        poisons = []
        for half in (records[:middle], records[middle:]):
            facts = read(list(half))
            try:
                self._apply(facts)
            except Exception as half_error:
                if not _is_data_fault(half_error):
                    raise
                poisons += self._one_by_one(half, half_error)
            else:
                poisons += facts.poisons
        return poisons

    def _apply(self, facts: Facts) -> None:
        listings = self._listings()
        for store in self._stores():
            projection = self._markets.get(store.generation)
            if projection is None:
                projection = MarketProjection(store, again=self._again)
                self._markets[store.generation] = projection
            refused = []
            for market_id, market_facts in facts.markets.items():
                refused += projection.apply(listings.market(market_id), market_facts)
            refused += chain.apply(store, facts.chain, listings)
            if refused:
                self._dead_letters.send_documents(store.generation, refused)


def _count(facts: Facts) -> int:
    chain_facts = facts.chain
    events = sum(len(market.sequences) for market in facts.markets.values())
    events += len(chain_facts.blocks) + len(chain_facts.outputs)
    return events + len(chain_facts.deposits) + len(chain_facts.withdrawals)


def _is_data_fault(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return error_code(error) == "ValidationException"
    return isinstance(error, _DATA_FAULTS)
