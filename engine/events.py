"""What the engine says happened: tuples of whole numbers, in the layouts below.

Events of a market are numbered from 1 without gaps. Inside the engine an event is `(kind, ...)` and
its number is its place in the list; everywhere outside it is a *numbered event*: `(sequence,
time_us, kind, ...)`, where `time_us` is the time of the journal record whose command caused it.

    ACCEPTED       (1, order_id, owner, is_buy, price, lots)
                       in order, and about to trade at once
    RESTED         (2, order_id, owner, is_buy, price, displayed_lots)
                       joined the end of the queue at `price`
    WAITING        (3, order_id, owner, is_buy, trigger, lots)
                       waits outside the book for its trigger
    FILLED         (4, trade_id, price, lots, maker_order_id, maker_owner, maker_open_lots,
                       taker_order_id, taker_owner, taker_open_lots, aggressor)
    CANCELED       (5, order_id, owner, is_buy, price, open_lots, displayed_lots, reason)
    EXPIRED        (6, order_id, owner, is_buy, price, open_lots, displayed_lots, reason)
    REJECTED       (7, order_id, owner, command_id, reason)
                       the order never was
    REFUSED        (8, order_id, owner, command_id, reason)
                       the command did nothing; orders are as before
    PREVENTED      (9, taker_order_id, maker_order_id, owner, price, lots, prevention)
    REDUCED        (10, order_id, owner, is_buy, price, removed_lots, open_lots,
                       removed_displayed_lots, reason)
    TRIGGERED      (11, order_id, owner, is_buy, trigger, last_price)
    STATE_CHANGED  (12, old_state, new_state, reason)
    UNCROSSED      (13, price, lots, surplus_buy_lots, surplus_sell_lots)
    CANCELED_ALL   (14, owner, command_id, count)

An order's story: it starts with RESTED, ACCEPTED, WAITING or REJECTED. It ends with exactly one of
REJECTED, CANCELED, EXPIRED, or a FILLED that leaves it 0 open lots. A plain order that rests
without trading has only RESTED. `open_lots` is all that was unfilled (an iceberg's hidden part
too); `displayed_lots` is what leaves the visible book, 0 for an order that was not in it.
`trade_id` counts from 1 without gaps in each market. PREVENTED says two orders of one owner met;
what became of them follows as EXPIRED or REDUCED. A market order with a budget has as open lots
what the rest of its budget would trade at the price of the fill.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Event: TypeAlias = tuple[int, ...]
NumberedEvent: TypeAlias = tuple[int, ...]
"""`(sequence, time_us, kind, ...)`."""

# Kinds.
ACCEPTED: Final = 1
RESTED: Final = 2
WAITING: Final = 3
FILLED: Final = 4
CANCELED: Final = 5
EXPIRED: Final = 6
REJECTED: Final = 7
REFUSED: Final = 8
PREVENTED: Final = 9
REDUCED: Final = 10
TRIGGERED: Final = 11
STATE_CHANGED: Final = 12
UNCROSSED: Final = 13
CANCELED_ALL: Final = 14

KIND_NAMES: Final = {
    ACCEPTED: "accepted",
    RESTED: "rested",
    WAITING: "waiting",
    FILLED: "filled",
    CANCELED: "canceled",
    EXPIRED: "expired",
    REJECTED: "rejected",
    REFUSED: "refused",
    PREVENTED: "prevented",
    REDUCED: "reduced",
    TRIGGERED: "triggered",
    STATE_CHANGED: "state_changed",
    UNCROSSED: "uncrossed",
    CANCELED_ALL: "canceled_all",
}

SETTLED_KINDS: Final = frozenset(
    (ACCEPTED, RESTED, WAITING, FILLED, CANCELED, EXPIRED, REJECTED, REDUCED, TRIGGERED)
)
"""Kinds that move money or change an order's row; settlement batches hold only these."""

# Aggressor of a FILLED.
SELL_AGGRESSOR: Final = 0
BUY_AGGRESSOR: Final = 1
NO_AGGRESSOR: Final = 2
"""Traded in an auction: the taker fields hold the buyer's order, and both pay the maker rate."""

# Reasons: why an order ended, was rejected, or a command was refused.
BY_OWNER: Final = 1
BY_EXCHANGE: Final = 2
REPLACED: Final = 3
IOC_REMAINDER: Final = 10
"""Immediate-or-cancel found nothing more at its price."""
FOK_UNFILLED: Final = 11
"""Fill-or-kill could not fill whole; nothing traded."""
MARKET_REMAINDER: Final = 12
"""A market order ran out of liquidity inside its worst price and the protection band."""
BUDGET_SPENT: Final = 13
"""A market order did what its budget allows; the rest would not pay one more lot. Counts as
filled.
"""
SELF_TRADE: Final = 14
TIME_PASSED: Final = 15
"""Good-till-date reached its date."""
OTHER_LEG: Final = 16
"""The other order of an OCO pair traded or triggered."""
FILLS_MAX: Final = 17
"""One command may make only so many trades."""
UNKNOWN_MARKET: Final = 30
UNKNOWN_ORDER: Final = 31
"""No such open order, or it belongs to somebody else: the two are not told apart."""
DUPLICATE_ORDER: Final = 32
MARKET_HALTED: Final = 33
MARKET_CANCEL_ONLY: Final = 34
NOT_IN_AUCTION: Final = 35
"""Orders that must trade at once cannot be placed in an auction."""
PRICE_OUT_OF_BAND: Final = 36
LOTS_OUT_OF_RANGE: Final = 37
NOTIONAL_TOO_SMALL: Final = 38
WOULD_TAKE: Final = 39
"""Post-only, but it would have traded."""
WOULD_TRIGGER: Final = 40
"""The trigger is already met."""
TERMS_CONTRADICT: Final = 41
TOO_MANY_ORDERS: Final = 42
NOT_SMALLER: Final = 43
"""An amendment may only shrink an order."""
CANCEL_FAILED: Final = 44
"""Cancel-replace could not cancel, so the new order was not placed."""
NOT_PERMITTED: Final = 45
STALE_COMMAND: Final = 46
"""So old that the engine cannot tell whether it was done before; nothing was done now."""
ALREADY_EXPIRED: Final = 47
MALFORMED: Final = 48
NO_LAST_PRICE: Final = 49
"""A trailing stop needs a price to follow, and nothing has traded yet."""

REASON_NAMES: Final = {
    0: "none",
    BY_OWNER: "by_owner",
    BY_EXCHANGE: "by_exchange",
    REPLACED: "replaced",
    IOC_REMAINDER: "ioc_remainder",
    FOK_UNFILLED: "fok_unfilled",
    MARKET_REMAINDER: "market_remainder",
    BUDGET_SPENT: "budget_spent",
    SELF_TRADE: "self_trade",
    TIME_PASSED: "time_passed",
    OTHER_LEG: "other_leg",
    FILLS_MAX: "fills_max",
    UNKNOWN_MARKET: "unknown_market",
    UNKNOWN_ORDER: "unknown_order",
    DUPLICATE_ORDER: "duplicate_order",
    MARKET_HALTED: "market_halted",
    MARKET_CANCEL_ONLY: "market_cancel_only",
    NOT_IN_AUCTION: "not_in_auction",
    PRICE_OUT_OF_BAND: "price_out_of_band",
    LOTS_OUT_OF_RANGE: "lots_out_of_range",
    NOTIONAL_TOO_SMALL: "notional_too_small",
    WOULD_TAKE: "would_take",
    WOULD_TRIGGER: "would_trigger",
    TERMS_CONTRADICT: "terms_contradict",
    TOO_MANY_ORDERS: "too_many_orders",
    NOT_SMALLER: "not_smaller",
    CANCEL_FAILED: "cancel_failed",
    NOT_PERMITTED: "not_permitted",
    STALE_COMMAND: "stale_command",
    ALREADY_EXPIRED: "already_expired",
    MALFORMED: "malformed",
    NO_LAST_PRICE: "no_last_price",
}


def describe(event: NumberedEvent) -> str:
    """A numbered event as one line for people: `17 filled trade_id=3 price=...`."""
    sequence, _time_us, kind, *fields = event
    return f"{sequence} {KIND_NAMES[kind]} " + " ".join(
        f"{name}={value}" for name, value in zip(FIELDS[kind], fields, strict=True)
    )


_ENDED = ("order_id", "owner", "is_buy", "price", "open_lots", "displayed_lots", "reason")

FIELDS: Final[dict[int, tuple[str, ...]]] = {
    ACCEPTED: ("order_id", "owner", "is_buy", "price", "lots"),
    RESTED: ("order_id", "owner", "is_buy", "price", "displayed_lots"),
    WAITING: ("order_id", "owner", "is_buy", "trigger", "lots"),
    FILLED: (
        "trade_id", "price", "lots", "maker_order_id", "maker_owner", "maker_open_lots",
        "taker_order_id", "taker_owner", "taker_open_lots", "aggressor",
    ),
    CANCELED: _ENDED,
    EXPIRED: _ENDED,
    REJECTED: ("order_id", "owner", "command_id", "reason"),
    REFUSED: ("order_id", "owner", "command_id", "reason"),
    PREVENTED: ("taker_order_id", "maker_order_id", "owner", "price", "lots", "prevention"),
    REDUCED: (
        "order_id", "owner", "is_buy", "price", "removed_lots", "open_lots",
        "removed_displayed_lots", "reason",
    ),
    TRIGGERED: ("order_id", "owner", "is_buy", "trigger", "last_price"),
    STATE_CHANGED: ("old_state", "new_state", "reason"),
    UNCROSSED: ("price", "lots", "surplus_buy_lots", "surplus_sell_lots"),
    CANCELED_ALL: ("owner", "command_id", "count"),
}  # fmt: skip
"""Names of each kind's fields, after the kind."""
