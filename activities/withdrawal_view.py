"""A withdrawal as its workflow, staff and the customer's connections see it after a step."""

from __future__ import annotations

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.money import format_units
from domain.payment import PaymentStatus
from domain.withdrawal import WithdrawalKind, WithdrawalStatus
from storage import payments, withdrawals
from storage.catalog import Catalog
from streams.notices import BalanceNotice, Notices, WithdrawalNotice

_MOVES_BALANCES = frozenset(
    {
        WithdrawalStatus.HELD,
        WithdrawalStatus.DONE,
        WithdrawalStatus.CANCELLED,
        WithdrawalStatus.REJECTED,
    }
)


class Approval(BaseModel):
    officer: str
    reason: str


class WithdrawalView(BaseModel):
    withdrawal_id: str
    status: WithdrawalStatus
    kind: WithdrawalKind
    asset: str
    chain: str
    amount: str
    fee: str
    address: str
    memo: str
    customer_id: int
    risk_score: int
    approvals_needed: int
    approvals: list[Approval]
    reason: str
    is_screened: bool
    travel_rule_due: bool = False
    payment_id: str | None = None
    payment_status: PaymentStatus | None = None
    is_lead: bool = False
    """Its workflow drives the payment; the others of a batch follow."""
    attempt: int = 0
    """Newest attempt of the payment; 0 before there is one."""
    txids: list[str] = []


async def read_view(
    connection: AsyncConnection, catalog: Catalog, withdrawal_id: str
) -> WithdrawalView:
    row = await withdrawals.find(connection, withdrawal_id)
    scale = catalog.asset(row.asset).scale
    view = WithdrawalView(
        withdrawal_id=row.id,
        status=WithdrawalStatus(row.status),
        kind=WithdrawalKind(row.kind),
        asset=row.asset,
        chain=row.chain,
        amount=format_units(int(row.units), scale),
        fee=format_units(int(row.fee_units), scale),
        address=row.address,
        memo=row.memo,
        customer_id=row.customer_id,
        risk_score=row.risk_score,
        approvals_needed=row.approvals_needed,
        approvals=[Approval(**approval) for approval in row.approvals],
        reason=row.reason,
        is_screened=row.screening is not None,
        travel_rule_due=(row.screening or {}).get("travel_rule_due", False),
    )
    if row.payment_id is None:
        return view
    payment = await payments.read(connection, row.payment_id)
    attempts = await payments.attempts(connection, row.payment_id)
    return view.model_copy(
        update={
            "payment_id": payment.id,
            "payment_status": PaymentStatus(payment.status),
            "is_lead": payment.workflow_id == f"withdrawal/{row.id}",
            "attempt": attempts[-1].attempt,
            "txids": [each.txid for each in attempts if each.txid is not None],
        }
    )


async def tell_customer(notices: Notices, view: WithdrawalView) -> None:
    notice = WithdrawalNotice(
        withdrawal_id=view.withdrawal_id,
        asset=view.asset,
        amount=view.amount,
        status=view.status,
        txid=view.txids[-1] if view.txids else "",
        reason=view.reason,
    )
    balances = [BalanceNotice([view.asset])] if view.status in _MOVES_BALANCES else []
    await notices.send(view.customer_id, notice, *balances)
