"""What travels over `/v1/ws`. docs/api/websocket.md and the AsyncAPI document tell it to people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from api.v1.order_fields import NewOrderBody, OrderAnswer
from projections.candle import Interval

MarketChannel = Literal["book", "book_orders", "trades", "ticker", "candles"]
PrivateChannel = Literal["orders", "fills", "balances", "deposits", "withdrawals"]
PRIVATE_CHANNELS = frozenset({"orders", "fills", "balances", "deposits", "withdrawals"})
Name = Annotated[str, msgspec.Meta(max_length=64)]
Secret = Annotated[str, msgspec.Meta(max_length=1024)]
RequestId = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | Name | None


class Command(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="op"
):
    """Every command may carry an `id`, which its answer repeats."""

    id: RequestId = None


class Ping(Command, frozen=True, tag="ping"):
    pass


class Auth(Command, frozen=True, tag="auth"):
    """With a session's token, or an API key's signature of `GET /v1/ws` with an empty body."""

    token: Secret | None = None
    api_key: Name | None = None
    timestamp: Name | None = None
    signature: Secret | None = None


class Subscribe(Command, frozen=True, tag="subscribe"):
    channel: MarketChannel | PrivateChannel
    market: Name | None = None
    interval: Interval | None = None
    """Of candles."""
    from_sequence: int | None = None
    """Of a book: the last sequence you have; what you missed comes instead of a snapshot."""


class Unsubscribe(Command, frozen=True, tag="unsubscribe"):
    channel: MarketChannel | PrivateChannel
    market: Name | None = None
    interval: Interval | None = None


class Place(Command, frozen=True, tag="place"):
    order: NewOrderBody
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 0


class Cancel(Command, frozen=True, tag="cancel"):
    order_id: Name
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 0


class CancelAll(Command, frozen=True, tag="cancel_all"):
    market: Name
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 0


class Amend(Command, frozen=True, tag="amend"):
    order_id: Name
    size: Name
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 0


class CancelOnDisconnect(Command, frozen=True, tag="cancel_on_disconnect"):
    """When this connection ends, however it ends, every open order on these markets is canceled."""

    markets: Annotated[list[Name], msgspec.Meta(max_length=100)]


class DeadManSwitch(Command, frozen=True, tag="dead_man_switch"):
    """Every open order on these markets (none named: all) is canceled unless it is sent again in
    time, on any connection; 0 seconds switches it off.
    """

    seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)]
    markets: Annotated[list[Name], msgspec.Meta(max_length=100)] = []


AnyCommand = (
    Ping
    | Auth
    | Subscribe
    | Unsubscribe
    | Place
    | Cancel
    | CancelAll
    | Amend
    | CancelOnDisconnect
    | DeadManSwitch
)


class Reply(msgspec.Struct, frozen=True, tag_field="type", tag="reply"):
    """The answer to one command."""

    id: RequestId
    op: str
    result: Any = None


class Failure(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    id: RequestId
    problem: dict[str, Any]


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    connection: str
    server_time: str


PriceLevel = tuple[str, str]
"""Price and size; in updates the size now, `"0"` when the level is gone."""
OrderRow = tuple[str, str, str]
"""Order number, price and shown size."""


class BookSnapshotMessage(msgspec.Struct, frozen=True, tag_field="type", tag="book_snapshot"):
    market: str
    sequence: int
    time: str
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    checksum: int


class BookUpdateMessage(msgspec.Struct, frozen=True, tag_field="type", tag="book_update"):
    """Follows the message whose `sequence` is this one's `previous_sequence`."""

    market: str
    previous_sequence: int
    sequence: int
    time: str
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    checksum: int
    """CRC-32 of the ten best levels after it, asks first, as `price:size,` in ticks and lots."""


class OrdersSnapshotMessage(
    msgspec.Struct, frozen=True, tag_field="type", tag="book_orders_snapshot"
):
    market: str
    sequence: int
    bids: list[OrderRow]
    asks: list[OrderRow]


class OrderRowChange(msgspec.Struct, frozen=True):
    sequence: int
    order: str
    side: str
    price: str
    size: str
    """`"0"`: the order left the book."""


class OrdersUpdateMessage(msgspec.Struct, frozen=True, tag_field="type", tag="book_orders_update"):
    market: str
    previous_sequence: int
    sequence: int
    changes: list[OrderRowChange]


class TradeRow(msgspec.Struct, frozen=True):
    id: str
    price: str
    size: str
    taker_side: str | None
    time: str


class TradesMessage(msgspec.Struct, frozen=True, tag_field="type", tag="trades"):
    market: str
    trades: list[TradeRow]


class TickerMessage(msgspec.Struct, frozen=True, tag_field="type", tag="ticker"):
    ticker: dict[str, Any]


class CandleMessage(msgspec.Struct, frozen=True, tag_field="type", tag="candle"):
    market: str
    interval: str
    candle: dict[str, Any]
    is_final: bool


class OrderMessage(msgspec.Struct, frozen=True, tag_field="type", tag="order"):
    event: str
    """What happened: a name such as `rested`, `filled`, `canceled`."""
    order: OrderAnswer


class FillMessage(msgspec.Struct, frozen=True, tag_field="type", tag="fill"):
    trade_id: str
    order_id: str
    client_order_id: str | None
    market: str
    side: str
    role: str
    price: str
    size: str
    fee: str
    fee_asset: str
    time: str
    sequence: int


class BalanceRow(msgspec.Struct, frozen=True):
    asset: str
    available: str
    held: str


class BalancesMessage(msgspec.Struct, frozen=True, tag_field="type", tag="balances"):
    balances: list[BalanceRow]


class DepositMessage(msgspec.Struct, frozen=True, tag_field="type", tag="deposit"):
    id: str
    asset: str
    amount: str
    status: str
    confirmations: int
    credit_confirmations: int
    withdrawable_confirmations: int
    txid: str


class WithdrawalMessage(msgspec.Struct, frozen=True, tag_field="type", tag="withdrawal"):
    id: str
    asset: str
    amount: str
    status: str
    txid: str
    reason: str
