"""Telling the engine's events to a settlement run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from domain.ids import OrderId
from engine import events
from engine.events import NumberedEvent
from ledger.settlement import Fill, Moment, OrderEnd, Poisoned, Run, Settlement, Side


def order_ids_of(numbered: Iterable[NumberedEvent]) -> set[OrderId]:
    """Every order that the events speak of."""
    ids: set[OrderId] = set()
    for event in numbered:
        if event[2] == events.FILLED:
            ids |= {OrderId(event[6]), OrderId(event[9])}
        else:
            ids.add(OrderId(event[3]))
    return ids


def tell(run: Run, numbered: Sequence[NumberedEvent]) -> Settlement:
    """Tell the engine's events to the run, in order. Raises Poisoned."""
    for event in numbered:
        moment = Moment(event[0], event[1])
        act = _ACTS.get(event[2])
        if act is None:
            raise Poisoned(f"event {event[0]} settles nothing: kind {event[2]}")
        act(run, moment, event[3:])
    return run.settlement


def _accepted(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.accepted(moment, fields[0], fields[1])


def _filled(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    aggressor = fields[9]
    fill = Fill(
        fields[0],
        fields[1],
        fields[2],
        Side(fields[3], fields[4], fields[5]),
        Side(fields[6], fields[7], fields[8]),
        taker_buys=aggressor != events.SELL_AGGRESSOR,
        in_auction=aggressor == events.NO_AGGRESSOR,
    )
    run.filled(moment, fill)


def _canceled(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.ended(moment, fields[0], fields[1], OrderEnd.CANCELED, fields[6])


def _expired(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    spent = fields[6] == events.BUDGET_SPENT
    end = OrderEnd.FILLED if spent else OrderEnd.EXPIRED
    run.ended(moment, fields[0], fields[1], end, fields[6])


def _rejected(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.rejected(moment, fields[0], fields[1], fields[3])


def _reduced(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.reduced(moment, fields[0], fields[1], fields[5])


_ACTS: Mapping[int, Callable[[Run, Moment, Sequence[int]], None]] = {
    events.ACCEPTED: _accepted,
    events.RESTED: _accepted,
    events.WAITING: _accepted,
    events.TRIGGERED: _accepted,
    events.FILLED: _filled,
    events.CANCELED: _canceled,
    events.EXPIRED: _expired,
    events.REJECTED: _rejected,
    events.REDUCED: _reduced,
}
