"""What the engine is asked to do: tuples of whole numbers, in the layouts below.

Every command starts `(kind, command_id, owner, ...)`. `command_id` is unique over all markets for
ever and is what the engine de-duplicates by; `owner` is the customer id, or 0 for the exchange
itself. Prices are ticks, sizes are lots, budgets are tick-lots (quote units divided by
`Market.quote_units_per_tick_lot`, rounded down), times are microseconds since 1970. No field is
negative, none reaches 2**63. The market is not in the tuple: frames group commands by market.

    PLACE          (1, command_id, owner, order_id, terms, price, lots)
    PLACE_SPECIAL  (2, command_id, owner, order_id, terms, price, lots,
                       trigger_kind, trigger, display_lots, budget, expires_us)
    CANCEL         (3, command_id, owner, order_id)
    AMEND          (4, command_id, owner, order_id, total_lots)
    CANCEL_ALL     (5, command_id, owner, sides)
    REPLACE        (6, command_id, owner, old_order_id, mode, order_id, terms, price, lots)
    OCO            (7, command_id, owner, limit_order_id, stop_order_id, limit_terms, limit_price,
                       lots, stop_terms, trigger, stop_price)
    SET_STATE      (8, command_id, 0, state)

`price` is always the worst price the owner accepts: market orders carry the price their hold was
computed with. So what an order can cost never exceeds `price x lots` (or `budget`), and the hold in
the ledger always covers it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Command: TypeAlias = tuple[int, ...]

FIELD_MAX: Final = 2**63 - 1

# Kinds.
PLACE: Final = 1
PLACE_SPECIAL: Final = 2
CANCEL: Final = 3
AMEND: Final = 4
CANCEL_ALL: Final = 5
REPLACE: Final = 6
OCO: Final = 7
SET_STATE: Final = 8

KIND_NAMES: Final = {
    PLACE: "place",
    PLACE_SPECIAL: "place_special",
    CANCEL: "cancel",
    AMEND: "amend",
    CANCEL_ALL: "cancel_all",
    REPLACE: "replace",
    OCO: "oco",
    SET_STATE: "set_state",
}

LENGTHS: Final = {
    PLACE: 7,
    PLACE_SPECIAL: 12,
    CANCEL: 4,
    AMEND: 5,
    CANCEL_ALL: 4,
    REPLACE: 9,
    OCO: 11,
    SET_STATE: 4,
}
"""Number of fields of each kind; a command of another length is malformed."""

# Terms: one number that holds all choices of an order. Sell, GTC, limit, cancel-maker is zero.
SELL: Final = 0
BUY: Final = 1

GTC: Final = 0
"""Good till canceled."""
IOC: Final = 2
"""Immediate or cancel: what cannot fill at once expires."""
FOK: Final = 4
"""Fill or kill: all lots at once, or nothing happens."""
GTD: Final = 6
"""Good till date: expires at `expires_us`; only PLACE_SPECIAL carries that."""

POST_ONLY: Final = 8
"""Rejected rather than taking."""

CANCEL_MAKER: Final = 0
"""Self-trade prevention: the resting order of the same owner expires, the taker goes on."""
CANCEL_TAKER: Final = 16
"""Self-trade prevention: what is left of the arriving order expires, the resting one stays."""
CANCEL_BOTH: Final = 32
DECREMENT: Final = 48
"""Self-trade prevention: both shrink by the smaller open size; the one that reaches zero
expires.
"""

MARKET: Final = 64
"""Never rests: what cannot fill at `price` or better, inside the protection band, expires."""

TERMS_MAX: Final = 127
TIF_MASK: Final = 6
PREVENTION_MASK: Final = 48

# Trigger kinds of PLACE_SPECIAL. An order with a trigger waits outside the book for the last trade
# price.
NO_TRIGGER: Final = 0
STOP: Final = 1
"""Buy: wakes when the last price is at or above `trigger`; sell: at or below."""
TAKE_PROFIT: Final = 2
"""Buy: wakes when the last price is at or below `trigger`; sell: at or above."""
TRAIL_TICKS: Final = 3
"""A stop that follows the best last price since it was placed at a distance of `trigger` ticks."""
TRAIL_BPS: Final = 4
"""A stop that follows at a distance of `trigger` basis points."""

# Modes of REPLACE.
STOP_ON_FAILURE: Final = 0
"""The new order is placed only if the old one was canceled."""
ALLOW_FAILURE: Final = 1
"""The new order is placed even if the old one was already gone."""

# Sides of CANCEL_ALL.
BOTH_SIDES: Final = 0
ONLY_BUYS: Final = 1
ONLY_SELLS: Final = 2

# States of SET_STATE.
TRADING: Final = 0
CANCEL_ONLY: Final = 1
HALTED: Final = 2
AUCTION: Final = 3

STATE_NAMES: Final = {
    TRADING: "trading",
    CANCEL_ONLY: "cancel_only",
    HALTED: "halted",
    AUCTION: "auction",
}


def place(
    *, command_id: int, owner: int, order_id: int, terms: int, price: int, lots: int
) -> Command:
    """A plain order: `terms` joins one value of each group with `|`, such as `BUY | IOC |
    CANCEL_TAKER`.
    """
    return (PLACE, command_id, owner, order_id, terms, price, lots)


def place_special(  # noqa: PLR0913 - the layout of one command
    *,
    command_id: int,
    owner: int,
    order_id: int,
    terms: int,
    price: int,
    lots: int,
    trigger_kind: int = NO_TRIGGER,
    trigger: int = 0,
    display_lots: int = 0,
    budget: int = 0,
    expires_us: int = 0,
) -> Command:
    """An order with a trigger, an iceberg's display size, a market buy's budget in tick-lots, or an
    expiry.

    A market buy with a budget spends up to it, a market sell sells until it received it; `lots`
    bounds both and may be the market's largest size.
    """
    return (
        PLACE_SPECIAL, command_id, owner, order_id, terms, price, lots,
        trigger_kind, trigger, display_lots, budget, expires_us,
    )  # fmt: skip


def cancel(*, command_id: int, owner: int, order_id: int) -> Command:
    return (CANCEL, command_id, owner, order_id)


def amend(*, command_id: int, owner: int, order_id: int, total_lots: int) -> Command:
    """Shrink an order in place, keeping its priority. `total_lots` counts what was already
    filled.
    """
    return (AMEND, command_id, owner, order_id, total_lots)


def cancel_all(*, command_id: int, owner: int, sides: int = BOTH_SIDES) -> Command:
    return (CANCEL_ALL, command_id, owner, sides)


def replace(
    *,
    command_id: int,
    owner: int,
    old_order_id: int,
    order_id: int,
    terms: int,
    price: int,
    lots: int,
    mode: int = STOP_ON_FAILURE,
) -> Command:
    """Cancel one order and place another in one step; the new one has its own id and its own
    hold.
    """
    return (REPLACE, command_id, owner, old_order_id, mode, order_id, terms, price, lots)


def oco(  # noqa: PLR0913 - the layout of one command
    *,
    command_id: int,
    owner: int,
    limit_order_id: int,
    stop_order_id: int,
    limit_terms: int,
    limit_price: int,
    lots: int,
    stop_terms: int,
    trigger: int,
    stop_price: int,
) -> Command:
    """One cancels the other: a limit order and a stop of the same side and size, under one hold.

    The first fill of the limit leg expires the stop leg; the trigger of the stop leg expires the
    limit leg. So the two together never fill more than `lots`.
    """
    return (
        OCO, command_id, owner, limit_order_id, stop_order_id, limit_terms, limit_price, lots,
        stop_terms, trigger, stop_price,
    )  # fmt: skip


def set_state(*, command_id: int, state: int) -> Command:
    """Change the market's state; leaving AUCTION for TRADING trades the crossed orders at one
    price.
    """
    return (SET_STATE, command_id, 0, state)
