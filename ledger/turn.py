"""Whose turn it is: runs of a market are settled in order, each event once, newest engine only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.settlement import Poisoned, SettlementBatch


class NotItsTurn(Exception):
    """An earlier run has not been settled yet. Try again."""


class StaleEpoch(Exception):
    """Written by an engine that another one has replaced. Must never be settled."""


class Cursor(NamedTuple):
    """How far a market is settled."""

    next_sequence: int
    epoch: int
    """Of the engine that wrote the run settled last."""


def is_settled(cursor: Cursor, batch: SettlementBatch) -> bool:
    """Whether the run was settled before. Raises NotItsTurn or StaleEpoch if it must not be now."""
    if batch.first_sequence > cursor.next_sequence:
        raise NotItsTurn(
            f"{batch.market}: {cursor.next_sequence} is next, not {batch.first_sequence}"
        )
    if batch.last_sequence < cursor.next_sequence:
        return True
    if batch.epoch < cursor.epoch:
        raise StaleEpoch(f"{batch.market}: epoch {batch.epoch} ended, {cursor.epoch} settles now")
    return False


def check_order(batch: SettlementBatch, sequences: Iterable[int]) -> None:
    """Raises Poisoned unless the events are the run's and in order."""
    previous = batch.first_sequence - 1
    for sequence in sequences:
        if not previous < sequence <= batch.last_sequence:
            raise Poisoned(f"event {sequence} is out of order after {previous}")
        previous = sequence
