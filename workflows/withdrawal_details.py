"""What the Temporal UI shows staff of a withdrawal: the facts, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.common import SearchAttributeUpdate

from activities.withdrawal_view import WithdrawalView
from domain.payment import PaymentStatus
from domain.withdrawal import WithdrawalStatus
from workflows import search_attributes as attributes

_REVIEW_DUE = timedelta(hours=4)
_REASON_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """What the search attributes said last, so that only changes are written."""

    state: str
    needs_human: bool
    risk_score: int
    txids: tuple[str, ...]
    reason: str

    @classmethod
    def of(cls, view: WithdrawalView, problem: str) -> Shown:
        return cls(
            view.status,
            needs_human(view, problem),
            view.risk_score,
            tuple(view.txids),
            _in_short(problem or view.reason),
        )

    def updates(self, before: Shown | None, now: datetime) -> list[SearchAttributeUpdate[Any]]:
        updates: list[SearchAttributeUpdate[Any]] = []
        if before is None or before.state != self.state:
            updates.append(attributes.STATE.value_set(self.state))
        if before is None or before.needs_human != self.needs_human:
            updates.append(attributes.NEEDS_HUMAN.value_set(self.needs_human))
            if self.needs_human:
                in_review = self.state == WithdrawalStatus.REVIEW
                updates += [
                    attributes.QUEUE.value_set("compliance" if in_review else "operations"),
                    attributes.DUE_AT.value_set(now + _REVIEW_DUE),
                ]
        if self.risk_score and (before is None or before.risk_score != self.risk_score):
            updates.append(attributes.RISK_SCORE.value_set(self.risk_score))
        if self.txids and (before is None or before.txids != self.txids):
            updates.append(attributes.TX_IDS.value_set(self.txids))
        if self.reason != (before.reason if before else ""):
            updates.append(attributes.REASON.value_set(self.reason))
        return updates


def _in_short(reason: str) -> str:
    """What stands before the colon; amounts, names and addresses stand after it."""
    return reason.partition(":")[0][:_REASON_LENGTH_MAX]


def needs_human(view: WithdrawalView, problem: str) -> bool:
    return (
        view.status is WithdrawalStatus.REVIEW
        or view.payment_status is PaymentStatus.DEAD
        or bool(problem)
    )


def details(view: WithdrawalView, problem: str) -> str:
    lines = [
        f"### Withdrawal: {view.status}",
        "",
        f"- **{view.amount} {view.asset}** (fee {view.fee}) by customer `{view.customer_id}`",
        f"- to `{view.address}` on {view.chain}" + (f", memo `{view.memo}`" if view.memo else ""),
        f"- risk score {view.risk_score}; {view.reason or 'nothing found'}",
    ]
    if view.approvals_needed:
        who = ", ".join(approval.officer for approval in view.approvals) or "nobody yet"
        lines.append(f"- {view.approvals_needed} officers needed; approved by {who}")
    if view.payment_id:
        lines.append(f"- payment `{view.payment_id}`, attempt {view.attempt}")
    lines += [f"- transaction `{txid}`" for txid in view.txids]
    if problem:
        lines.append(f"- **problem:** {problem}")
    advice = _advice(view, problem)
    return "\n".join([*lines, "", f"**What to do:** {advice}"] if advice else lines)


def _advice(view: WithdrawalView, problem: str) -> str:
    if view.status is WithdrawalStatus.REVIEW:
        return "look at the customer's file and the address, then send `approve` or `reject`."
    if view.payment_status is PaymentStatus.DEAD:
        return "the transaction can never be mined. Send `cancel` to give the funds back."
    if problem:
        return "look for the transaction in an explorer; then `rebroadcast`, or `bump_fee`."
    if view.status is WithdrawalStatus.APPROVED and view.reason:
        return "nothing yet: it is paid as soon as it can be. Until then it can be cancelled."
    return ""
