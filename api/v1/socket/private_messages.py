"""What happened to a customer, as messages of the private channels."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from api.exchange.order_view import OrderView
from api.exchange.private_stream import BalancesChanged, Event, OrderChanged
from api.v1.order_fields import fill_answer, order_answer
from api.v1.socket.messages import (
    BalanceRow,
    BalancesMessage,
    DepositMessage,
    FillMessage,
    OrderMessage,
    WithdrawalMessage,
)
from domain.market import Side
from domain.money import format_units
from storage.catalog import Catalog
from streams.market_data import OrderReport
from streams.notices import DepositNotice, WithdrawalNotice


def private_messages(catalog: Catalog, event: Event) -> Iterator[tuple[str, msgspec.Struct]]:
    """Pairs of channel and message."""
    match event:
        case OrderChanged(order, report):
            yield "orders", OrderMessage(report.kind, order_answer(order))
            if report.kind == "filled" and order.fills:
                yield "fills", _fill(order, report)
        case BalancesChanged(balances):
            rows = []
            for each in balances:
                scale = catalog.asset(each.asset).scale
                available = format_units(each.available_units, scale)
                rows.append(BalanceRow(each.asset, available, format_units(each.held_units, scale)))
            yield "balances", BalancesMessage(rows)
        case DepositNotice():
            yield "deposits", _deposit(event)
        case WithdrawalNotice():
            yield "withdrawals", _withdrawal(event)
        case _:
            return


def _fill(order: OrderView, report: OrderReport) -> FillMessage:
    fill = fill_answer(order, order.fills[-1])
    received = order.market.base if order.side is Side.BUY else order.market.quote
    return FillMessage(
        trade_id=fill.trade_id,
        order_id=str(order.id),
        client_order_id=order.client_order_id,
        market=order.market.id,
        side=order.side.value,
        role=fill.role,
        price=fill.price,
        size=fill.size,
        fee=fill.fee,
        fee_asset=received.code,
        time=fill.time,
        sequence=report.sequence,
    )


def _deposit(notice: DepositNotice) -> DepositMessage:
    return DepositMessage(
        id=notice.deposit_id,
        asset=notice.asset,
        amount=notice.amount,
        status=notice.status,
        confirmations=notice.confirmations,
        credit_confirmations=notice.credit_confirmations,
        withdrawable_confirmations=notice.withdrawable_confirmations,
        txid=notice.txid,
    )


def _withdrawal(notice: WithdrawalNotice) -> WithdrawalMessage:
    return WithdrawalMessage(
        id=notice.withdrawal_id,
        asset=notice.asset,
        amount=notice.amount,
        status=notice.status,
        txid=notice.txid,
        reason=notice.reason,
    )
