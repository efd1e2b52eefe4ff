"""Orders as JSON: what is sent, decoded without detours, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypedDict, TypeVar

import msgspec

from api.errors import MalformedJson
from api.exchange.order_desk import Accepted, Asked
from api.exchange.order_input import OrderInput, OrderType, SelfTradePrevention, TimeInForce
from api.exchange.order_view import Fill, OrderView
from api.fields import format_time, format_time_us
from domain.errors import InvalidAmount, InvalidInput
from domain.ids import ClientOrderId
from domain.market import Side
from domain.money import Asset, format_units
from engine import commands
from storage.order_rows import OrderStatus

T = TypeVar("T")

_AMOUNT_FIELDS = (
    "price",
    "size",
    "quote_size",
    "stop_price",
    "trail_offset",
    "display_size",
)
ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/-]{1,36}$")]
Decimal = Annotated[str, msgspec.Meta(max_length=80)]


class NewOrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    market: str
    side: Side
    type: OrderType = OrderType.LIMIT
    price: Decimal | None = None
    size: Decimal | None = None
    quote_size: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    trail_bps: int | None = None
    display_size: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_MAKER
    client_order_id: ClientId | None = None

    def asked(self) -> Asked:
        expires_at = self.expires_at
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidInput("expires_at needs a time zone", field="expires_at")
        order = OrderInput(
            side=self.side,
            type=self.type,
            price=self.price,
            size=self.size,
            quote_size=self.quote_size,
            stop_price=self.stop_price,
            trail_offset=self.trail_offset,
            trail_bps=self.trail_bps,
            display_size=self.display_size,
            time_in_force=self.time_in_force,
            expires_at=expires_at,
            post_only=self.post_only,
            self_trade_prevention=self.self_trade_prevention,
            client_order_id=(
                None if self.client_order_id is None else ClientOrderId(self.client_order_id)
            ),
        )
        return Asked(self.market, order)


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    orders: list[NewOrderBody]


class PairBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One cancels the other."""

    limit: NewOrderBody
    stop: NewOrderBody


class AmendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    size: Decimal


class FillAnswer(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    price: str
    size: str
    fee: str
    role: str
    time: str


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Absent fields do not apply to this order's type."""

    id: str
    client_order_id: str | None = None
    market: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    reason: str | None = None
    price: str | None = None
    size: str | None = None
    quote_size: str | None = None
    stop_price: str | None = None
    trail_offset: str | None = None
    trail_bps: int | None = None
    display_size: str | None = None
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention
    filled_size: str
    filled_value: str
    """In the quote asset."""
    average_price: str | None = None
    fee: str
    fee_asset: str
    created_at: str
    updated_at: str
    expires_at: str | None = None
    sequence: int
    """Of the market's last event that is in this answer."""
    fills: list[FillAnswer] = []
    """Only when placing with `wait_ms`; later see `GET /v1/fills`."""
    queued: bool | None = None
    """Only when placing: False while the durable order waits to be handed to the engine."""


_TIF_NAMES = {
    commands.GTC: TimeInForce.GTC,
    commands.IOC: TimeInForce.IOC,
    commands.FOK: TimeInForce.FOK,
    commands.GTD: TimeInForce.GTD,
}
_PREVENTION_NAMES = {
    commands.CANCEL_MAKER: SelfTradePrevention.CANCEL_MAKER,
    commands.CANCEL_TAKER: SelfTradePrevention.CANCEL_TAKER,
    commands.CANCEL_BOTH: SelfTradePrevention.CANCEL_BOTH,
    commands.DECREMENT: SelfTradePrevention.DECREMENT,
}
_new_order = msgspec.json.Decoder(NewOrderBody)
_batch = msgspec.json.Decoder(BatchBody)
_pair = msgspec.json.Decoder(PairBody)
_amend = msgspec.json.Decoder(AmendBody)


class TriggerFields(TypedDict, total=False):
    stop_price: str
    trail_offset: str
    trail_bps: int


def read_new_order(body: bytes) -> NewOrderBody:
    return _decode(_new_order, body)


def read_batch(body: bytes) -> BatchBody:
    return _decode(_batch, body)


def read_pair(body: bytes) -> PairBody:
    return _decode(_pair, body)


def read_amend(body: bytes) -> AmendBody:
    return _decode(_amend, body)


def order_answer(
    order: OrderView, *, queued: bool | None = None, with_fills: bool = False
) -> OrderAnswer:
    market, quote = order.market, order.market.quote
    is_market = bool(order.terms & commands.MARKET)
    average = order.average_price_units
    return OrderAnswer(
        id=str(order.id),
        client_order_id=order.client_order_id,
        market=market.id,
        side=order.side,
        type=OrderType(order.kind),
        time_in_force=_TIF_NAMES[order.terms & commands.TIF_MASK],
        status=order.status,
        reason=order.reason or None,
        price=None if is_market else market.format_price(order.price_ticks),
        size=None if order.budget else market.format_size(order.lots),
        quote_size=_quote_size(order),
        post_only=bool(order.terms & commands.POST_ONLY),
        self_trade_prevention=_PREVENTION_NAMES[order.terms & commands.PREVENTION_MASK],
        display_size=market.format_size(order.display_lots) if order.display_lots else None,
        filled_size=market.format_size(order.filled_lots),
        filled_value=format_units(order.filled_quote_units, quote.scale),
        average_price=None if average is None else format_units(average, quote.scale),
        fee=format_units(order.fee_units, _received(order).scale),
        fee_asset=_received(order).code,
        created_at=format_time(order.placed_at),
        updated_at=format_time(order.updated_at),
        expires_at=format_time_us(order.expires_us) if order.expires_us else None,
        sequence=order.last_sequence,
        fills=[fill_answer(order, fill) for fill in order.fills] if with_fills else [],
        queued=queued,
        **_trigger_fields(order),
    )


def accepted_answer(accepted: Accepted) -> OrderAnswer:
    return order_answer(accepted.order, queued=accepted.is_queued, with_fills=True)


def fill_answer(order: OrderView, fill: Fill) -> FillAnswer:
    return FillAnswer(
        trade_id=str(fill.trade_id),
        price=order.market.format_price(fill.price_ticks),
        size=order.market.format_size(fill.lots),
        fee=format_units(fill.fee_units, _received(order).scale),
        role=fill.role,
        time=format_time_us(fill.time_us),
    )


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises MalformedJson, InvalidAmount when an amount is not text, or InvalidInput."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        raise refusal_of_validation(str(fault)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedJson("the body is not valid JSON") from None


def refusal_of_validation(text: str) -> InvalidInput:
    """What msgspec found wrong, with the field it found it in."""
    what, _, where = text.partition(" - at `$")
    place = where.rstrip("`")
    field = place.rpartition(".")[2]
    if field in _AMOUNT_FIELDS:
        return InvalidAmount(f'{field}: decimals are strings, such as "0.5"', field=field)
    return InvalidInput(f"{place.lstrip('.')}: {what}" if place else what)


def _quote_size(order: OrderView) -> str | None:
    if not order.budget:
        return None
    units = order.budget * order.market.quote_units_per_tick_lot
    return format_units(units, order.market.quote.scale)


def _trigger_fields(order: OrderView) -> TriggerFields:
    market = order.market
    if order.trigger_kind in (commands.STOP, commands.TAKE_PROFIT):
        return {"stop_price": market.format_price(order.trigger)}
    if order.trigger_kind == commands.TRAIL_TICKS:
        return {"trail_offset": market.format_price(order.trigger)}
    if order.trigger_kind == commands.TRAIL_BPS:
        return {"trail_bps": order.trigger}
    return {}


def _received(order: OrderView) -> Asset:
    """Fees are taken from what the order receives."""
    return order.market.base if order.side is Side.BUY else order.market.quote
