"""Searchable documents. One per trade, order, deposit, withdrawal, chain transaction and block.

A newer version of a document replaces an older one, in whatever order they come. Amounts are
decimal text to show and zero-padded digits to compare: no number type of a search index holds them
exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from domain.market import Market
from domain.money import Asset, format_units
from projections.order import OrderState
from projections.trade import Trade


class Kind(StrEnum):
    TRADE = "trade"
    ORDER = "order"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSACTION = "transaction"
    BLOCK = "block"


PUBLIC = frozenset({Kind.TRADE, Kind.TRANSACTION, Kind.BLOCK})
"""Kinds that everybody may find; of the others each customer finds only their own."""

COMPARED_DECIMALS = 36
"""Decimals that comparable amounts are brought to: as many as an asset may have."""
COMPARED_DIGITS = 76
"""Room for 10^38 units of an asset without decimals, at that scale, and a little more."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is indexed. Absent fields are None or empty and are not written."""

    kind: Kind
    id: str
    """Unique among documents of its kind; a path segment of its page."""
    version: int
    at_ms: int
    """When it came to be: what results are ordered by. Never changes."""
    text: str
    """Words to find it by, beside the exact fields."""
    owners: tuple[str, ...] = ()
    """Customers who have a part in it. Never shown to others."""
    changed_at_ms: int | None = None
    status: str | None = None
    asset: str | None = None
    amount: str | None = None
    amount_key: str | None = None
    chain: str | None = None
    txid: str | None = None
    addresses: tuple[str, ...] = ()
    height: int | None = None
    block_hash: str | None = None
    market: str | None = None
    side: str | None = None
    price: str | None = None
    price_key: str | None = None
    order_ids: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    """Shown, not searched."""

    def source(self) -> dict[str, Any]:
        """The body of the document as the index takes it."""
        body = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value not in (None, (), {})
        }
        steps = {
            name: step_of(key)
            for name, key in (("amount_step", self.amount_key), ("price_step", self.price_key))
            if key is not None
        }
        return body | steps | {"version": str(self.version)}


def comparable(units: int, scale: int) -> str:
    """Digits that sort as the amounts do, over assets of any scale."""
    assert units >= 0
    digits = str(units * 10 ** (COMPARED_DECIMALS - scale))
    assert len(digits) <= COMPARED_DIGITS, units
    return digits.rjust(COMPARED_DIGITS, "0")


def step_of(key: str) -> int:
    """A coarse number of comparable digits, never falling: their count and the first three.

    A range of exact digits goes through every different amount there is, one of steps through a
    few hundred.
    """
    digits = key.lstrip("0")
    return len(digits) * 1000 + int(digits[:3].ljust(3, "0")) if digits else 0


def ends_of_step(key: str) -> tuple[str, str]:
    """The least and the most comparable digits of the same step."""
    begins = key[: len(key) - len(key.lstrip("0")) + 3]
    rest = len(key) - len(begins)
    return begins + "0" * rest, begins + "9" * rest


def of_trade(trade: Trade, market: Market) -> Document:
    price_units = trade.price_ticks * market.tick_units
    size_units = market.base_units(trade.lots)
    return Document(
        Kind.TRADE,
        f"{trade.market}-{trade.id}",
        trade.sequence,
        trade.traded_at_ms,
        f"trade {trade.market} {trade.taker_side}",
        owners=_texts({trade.maker_id, trade.taker_id}),
        asset=market.base.code,
        amount=format_units(size_units, market.base.scale),
        amount_key=comparable(size_units, market.base.scale),
        market=trade.market,
        side=trade.taker_side,
        price=market.format_price(trade.price_ticks),
        price_key=comparable(price_units, market.quote.scale),
        details={
            "trade_id": str(trade.id),
            "notional": format_units(
                market.notional_units(trade.price_ticks, trade.lots), market.quote.scale
            ),
            "quote": market.quote.code,
        },
    )


def of_order(state: OrderState, market: Market) -> Document:
    lots = state.open_lots + state.filled_lots
    size_units = market.base_units(lots)
    price_units = state.price_ticks * market.tick_units
    return Document(
        Kind.ORDER,
        str(state.order_id),
        # A state folded from more of the same events is the better one.
        state.sequence * _EVENTS_MAX + min(state.events, _EVENTS_MAX - 1),
        state.placed_at_us // 1000,
        f"order {state.market} {state.side} {state.status} {state.reason.replace('_', ' ')}",
        owners=_texts({state.owner}),
        changed_at_ms=state.updated_at_us // 1000,
        status=state.status,
        asset=market.base.code,
        amount=format_units(size_units, market.base.scale),
        amount_key=comparable(size_units, market.base.scale),
        market=state.market,
        side=state.side or None,
        price=market.format_price(state.price_ticks) if state.price_ticks else None,
        price_key=comparable(price_units, market.quote.scale) if state.price_ticks else None,
        order_ids=(str(state.order_id),),
        details={
            "filled": market.format_size(state.filled_lots),
            "notional": format_units(
                state.filled_notional * market.quote_units_per_tick_lot, market.quote.scale
            ),
            "fills": str(state.fills),
            "reason": state.reason,
        },
    )


def amount_fields(units: int, asset: Asset) -> dict[str, Any]:
    """The three fields of an amount, by name."""
    return {
        "asset": asset.code,
        "amount": format_units(units, asset.scale),
        "amount_key": comparable(units, asset.scale),
    }


def _texts(ids: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted(str(each) for each in ids if each))


_EVENTS_MAX = 4096
