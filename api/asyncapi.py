"""The AsyncAPI 3.0 document of `/v1/ws`, from the structs that are really sent and read."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

import msgspec

from api.v1.socket import messages

PATH = "/v1/ws"
_REF = "#/components/schemas/{name}"
_FROM_US = (
    messages.Hello,
    messages.Reply,
    messages.Failure,
    messages.BookSnapshotMessage,
    messages.BookUpdateMessage,
    messages.OrdersSnapshotMessage,
    messages.OrdersUpdateMessage,
    messages.TradesMessage,
    messages.TickerMessage,
    messages.CandleMessage,
    messages.OrderMessage,
    messages.FillMessage,
    messages.BalancesMessage,
    messages.DepositMessage,
    messages.WithdrawalMessage,
)
_DESCRIPTION = """One connection for everything. Send commands, each with an `id` of your own that
its `reply` or `error` repeats; between them come the messages of the channels you subscribed to.

Public: `book` (L2) and `book_orders` (L3) begin with a snapshot and go on with updates, each of
which follows the message whose `sequence` is its `previous_sequence`; `book` also carries a
checksum. After a loss subscribe with `from_sequence` to get only what you missed. `trades`,
`ticker`, `candles`. Private, after `auth`: `orders`, `fills`, `balances`, `deposits`,
`withdrawals`.

Orders can be placed, amended and canceled here as well. `cancel_on_disconnect` cancels what is
open when the connection ends; `dead_man_switch` unless it is renewed in time. Who does not read is
cut off, not buffered for.
"""


@cache
def asyncapi() -> dict[str, Any]:
    commands = get_args(messages.AnyCommand)
    structs = (*commands, *_FROM_US)
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rialto", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": PATH,
                "messages": {each.__name__: _message(each) for each in structs},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "commands": _operation("receive", commands),
            "messages": _operation("send", _FROM_US),
        },
        "components": {"schemas": schemas},
    }


def _message(struct: type[msgspec.Struct]) -> dict[str, Any]:
    told = {"name": str(struct.__struct_config__.tag)}
    if struct.__doc__ and not struct.__doc__.startswith(f"{struct.__name__}("):
        told["summary"] = " ".join(struct.__doc__.split())
    return {**told, "payload": {"$ref": _REF.format(name=struct.__name__)}}


def _operation(action: str, structs: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    """`action` is ours: the server receives commands and sends messages."""
    found = [{"$ref": f"#/channels/socket/messages/{each.__name__}"} for each in structs]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": found}
