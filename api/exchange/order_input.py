"""What a caller says about an order, in words, and checking it against the market's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput, MarketNotTrading, MarketRuleBroken
from domain.ids import ClientOrderId, CustomerId
from domain.market import Market, Side
from domain.money import format_units, parse_units
from engine import commands
from engine.rules import STEPS_MAX
from ledger.fees import FeeRates
from storage.order_rows import NewOrder

MARKET_SLIPPAGE_BPS = 500
"""A market order accepts prices up to 5 % worse than the best now; the hold covers just that."""
_BPS = 10_000


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class SelfTradePrevention(StrEnum):
    """What happens when two orders of one customer would trade."""

    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"
    DECREMENT = "decrement"


_TIF_TERMS = {
    TimeInForce.GTC: commands.GTC,
    TimeInForce.IOC: commands.IOC,
    TimeInForce.FOK: commands.FOK,
    TimeInForce.GTD: commands.GTD,
}
_PREVENTION_TERMS = {
    SelfTradePrevention.CANCEL_MAKER: commands.CANCEL_MAKER,
    SelfTradePrevention.CANCEL_TAKER: commands.CANCEL_TAKER,
    SelfTradePrevention.CANCEL_BOTH: commands.CANCEL_BOTH,
    SelfTradePrevention.DECREMENT: commands.DECREMENT,
}
_TRIGGERS = {
    OrderType.STOP: commands.STOP,
    OrderType.STOP_LIMIT: commands.STOP,
    OrderType.TAKE_PROFIT: commands.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT: commands.TAKE_PROFIT,
}
_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInput:
    """Decimals are still text. Which fields go with which type is checked by `new_order`."""

    side: Side
    type: OrderType
    price: str | None = None
    size: str | None = None
    quote_size: str | None = None
    """Of a market order: what to spend (buy) or to receive (sell), instead of a size."""
    stop_price: str | None = None
    trail_offset: str | None = None
    """Of a trailing stop: distance in the quote asset..."""
    trail_bps: int | None = None
    """... or in basis points."""
    display_size: str | None = None
    """Of an iceberg: how much of it the book shows."""
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_MAKER
    client_order_id: ClientOrderId | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What of the market's present a new order depends on, in ticks; 0 where there is none."""

    state: str
    best_bid: int
    best_ask: int
    last_price: int


def new_order(
    asked: OrderInput, market: Market, moment: Moment, customer_id: CustomerId, fees: FeeRates
) -> NewOrder:
    """The order to place. Raises InvalidInput, MarketRuleBroken or MarketNotTrading."""
    if moment.state in ("halted", "cancel_only"):
        raise MarketNotTrading(f"{market.id} is {moment.state}", market=market.id)
    _refuse_contradictions(asked)
    kind, trigger = _trigger(asked, market)
    price = _worst_price(asked, market, moment, trigger)
    budget = _budget(asked, market)
    lots = _lots(asked, market, price, budget)
    order = NewOrder(
        customer_id=customer_id,
        market=market,
        side=asked.side,
        kind=asked.type,
        terms=_terms(asked),
        price_ticks=price,
        lots=lots,
        trigger_kind=kind,
        trigger=trigger,
        display_lots=_display_lots(asked, market, lots),
        budget=budget,
        expires_us=_microseconds(asked.expires_at),
        client_order_id=asked.client_order_id,
        fees=fees,
    )
    _refuse_small(order, asked, moment)
    return order


def _refuse_contradictions(asked: OrderInput) -> None:
    wants = {
        "price": asked.type in _PRICED,
        "stop_price": asked.type in _TRIGGERS,
    }
    for name, wanted in wants.items():
        if wanted and getattr(asked, name) is None:
            raise InvalidInput(f"{asked.type} orders need {name}", field=name)
        if not wanted and getattr(asked, name) is not None:
            raise InvalidInput(f"{asked.type} orders have no {name}", field=name)
    if asked.type not in _PRICED and (asked.post_only or asked.display_size is not None):
        raise InvalidInput("only orders with a price can be post_only or have a display_size")
    _refuse_wrong_sizes(asked)
    _refuse_wrong_time(asked)
    trails = (asked.trail_offset is not None) + (asked.trail_bps is not None)
    if trails != (asked.type is OrderType.TRAILING_STOP):
        raise InvalidInput("a trailing_stop, and nothing else, has trail_offset or trail_bps")


def _refuse_wrong_sizes(asked: OrderInput) -> None:
    if asked.quote_size is not None and asked.type is not OrderType.MARKET:
        raise InvalidInput("only market orders have a quote_size", field="quote_size")
    if (asked.size is None) == (asked.quote_size is None):
        raise InvalidInput("say size or quote_size, and not both", field="size")


def _refuse_wrong_time(asked: OrderInput) -> None:
    tif = asked.time_in_force
    if (tif is TimeInForce.GTD) != (asked.expires_at is not None):
        raise InvalidInput("time_in_force gtd, and nothing else, has expires_at")
    ends_at_once = tif in (TimeInForce.IOC, TimeInForce.FOK)
    if ends_at_once and (asked.post_only or asked.display_size is not None):
        raise InvalidInput("an order that ends at once cannot wait in the book")
    if asked.type not in _PRICED and tif is TimeInForce.GTD:
        raise InvalidInput("an order without a price never waits in the book")
    if asked.quote_size is not None and tif is TimeInForce.FOK:
        raise InvalidInput("fok needs a size, not a quote_size")


def _trigger(asked: OrderInput, market: Market) -> tuple[int, int]:
    if asked.type is OrderType.TRAILING_STOP:
        if asked.trail_bps is not None:
            if not 0 < asked.trail_bps < _BPS:
                raise InvalidInput("trail_bps is between 1 and 9999", field="trail_bps")
            return commands.TRAIL_BPS, asked.trail_bps
        assert asked.trail_offset is not None
        return commands.TRAIL_TICKS, _price(market, asked.trail_offset)
    if asked.stop_price is not None:
        return _TRIGGERS[asked.type], _price(market, asked.stop_price)
    return commands.NO_TRIGGER, 0


def _worst_price(asked: OrderInput, market: Market, moment: Moment, trigger: int) -> int:
    """The given price, or one so far off that the order fills in any market worth trading in."""
    if asked.price is not None:
        return _price(market, asked.price)
    buys = asked.side is Side.BUY
    if asked.type is OrderType.MARKET:
        base = (moment.best_ask if buys else moment.best_bid) or moment.last_price
    elif asked.type is OrderType.TRAILING_STOP:
        base = _trailing_base(asked, moment.last_price, trigger)
    else:
        base = trigger
    if not base:
        raise MarketRuleBroken(f"{market.id} has no price yet", rule="no_price")
    reach = base * MARKET_SLIPPAGE_BPS // _BPS + 1
    return min(base + reach, _price_max(market)) if buys else max(base - reach, 1)


def _trailing_base(asked: OrderInput, last_price: int, trigger: int) -> int:
    """A buy triggers at most this far above the last price; a sell's price bounds nothing held."""
    if asked.side is Side.SELL:
        return 1
    distance = last_price * trigger // _BPS if asked.trail_bps is not None else trigger
    return last_price + distance if last_price else 0


def _budget(asked: OrderInput, market: Market) -> int:
    """In tick-lots; what is below one of them cannot trade."""
    if asked.quote_size is None:
        return 0
    units = parse_units(asked.quote_size, market.quote.scale)
    budget = units // market.quote_units_per_tick_lot
    if units <= 0 or budget <= 0:
        raise MarketRuleBroken(
            f"quote_size {asked.quote_size} is below what {market.id} can trade",
            rule="notional_min",
        )
    if budget > commands.FIELD_MAX:
        raise MarketRuleBroken(f"quote_size {asked.quote_size} is too large", rule="size_max")
    return budget


def _lots(asked: OrderInput, market: Market, price: int, budget: int) -> int:
    lots_max = min(market.lots_max, STEPS_MAX)
    if asked.size is None:
        if asked.side is Side.BUY:
            return lots_max
        return min(-(-budget // price), lots_max)
    lots = market.parse_size(asked.size)
    if lots > lots_max:
        raise MarketRuleBroken(
            f"size {asked.size} is above the largest allowed, {market.format_size(lots_max)}",
            rule="size_max",
        )
    return lots


def _display_lots(asked: OrderInput, market: Market, lots: int) -> int:
    if asked.display_size is None:
        return 0
    shown = market.parse_size(asked.display_size)
    if shown >= lots:
        raise InvalidInput("display_size is smaller than size", field="display_size")
    return shown


def _terms(asked: OrderInput) -> int:
    terms = _TIF_TERMS[asked.time_in_force] | _PREVENTION_TERMS[asked.self_trade_prevention]
    if asked.post_only:
        terms |= commands.POST_ONLY
    if asked.type not in _PRICED:
        terms |= commands.MARKET
    return terms


def _refuse_small(order: NewOrder, asked: OrderInput, moment: Moment) -> None:
    market = order.market
    price = order.price_ticks
    # The price of a trailing sell bounds nothing: it says nothing about what the order is worth.
    if asked.type in (OrderType.MARKET, OrderType.TRAILING_STOP):
        price = moment.last_price or price
    value = order.budget or price * order.lots
    units = value * market.quote_units_per_tick_lot
    if units < market.notional_min_units:
        least = format_units(market.notional_min_units, market.quote.scale)
        raise MarketRuleBroken(
            f"price x size is below the smallest allowed, {least} {market.quote.code}",
            rule="notional_min",
        )


def _price(market: Market, text: str) -> int:
    ticks = market.parse_price(text)
    if ticks > _price_max(market):
        raise MarketRuleBroken(
            f"price {text} is above the largest allowed, {market.format_price(_price_max(market))}",
            rule="price_max",
        )
    return ticks


def _price_max(market: Market) -> int:
    return min(market.price_ticks_max, STEPS_MAX)


def _microseconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1_000_000)
