"""What a webhook message says: the same words and decimals as the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from domain.money import format_units
from domain.webhook import PING, WebhookEvent
from storage.catalog import Catalog
from storage.webhook_sending import Sending

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"

Content = Mapping[str, Any]


def body_of(sending: Sending, catalog: Catalog) -> bytes:
    """The same bytes at every attempt, so that every signature is of the same message."""
    said = {
        "type": sending.event,
        "id": sending.message_id,
        "timestamp": _time(sending.at),
        "data": _WORDS[sending.event](sending.body, catalog),
    }
    return msgspec.json.encode(said)


def _deposit(body: Content, catalog: Catalog) -> dict[str, Any]:
    return {
        "id": body["id"],
        "asset": body["asset"],
        "chain": body["chain"],
        "amount": format_units(int(body["units"]), catalog.asset(body["asset"]).scale),
        "status": body["status"],
        "txid": body["txid"],
        "address": body["address"],
    }


def _withdrawal(body: Content, catalog: Catalog) -> dict[str, Any]:
    scale = catalog.asset(body["asset"]).scale
    return {
        "id": body["id"],
        "asset": body["asset"],
        "chain": body["chain"],
        "amount": format_units(int(body["units"]), scale),
        "fee": format_units(int(body["fee_units"]), scale),
        "status": body["status"],
        "txid": body["txid"],
        "address": body["address"],
    }


def _order(body: Content, catalog: Catalog) -> dict[str, Any]:
    market = catalog.market(body["market"])
    received = market.base if body["side"] == "buy" else market.quote
    return {
        "id": str(body["id"]),
        "client_order_id": body["client_order_id"],
        "market": market.id,
        "side": body["side"],
        "status": "filled",
        "filled_size": market.format_size(body["filled_lots"]),
        "filled_value": format_units(int(body["quote_units"]), market.quote.scale),
        "fee": format_units(int(body["fee_units"]), received.scale),
        "fee_asset": received.code,
    }


def _kyc(body: Content, _: Catalog) -> dict[str, Any]:
    return {"state": body["state"], "tier": body["tier"], "requested_tier": body["requested_tier"]}


def _ping(body: Content, _: Catalog) -> dict[str, Any]:
    return {"webhook_id": body["endpoint_id"]}


_WORDS: Mapping[str, Callable[[Content, Catalog], dict[str, Any]]] = {
    WebhookEvent.DEPOSIT: _deposit,
    WebhookEvent.WITHDRAWAL: _withdrawal,
    WebhookEvent.ORDER_FILLED: _order,
    WebhookEvent.KYC: _kyc,
    PING: _ping,
}


def _time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime(_TIME_FORMAT)[:-3] + "Z"
