"""Starting the money workflows: one place for their ids, queues and what the UI shows of them.

Whoever starts one twice starts it once: the id is the business id, and a running workflow is kept.
A finished one may be started again (a reorg after the end, a repair): it reads its row and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from workflows.deposit import DepositInput, DepositWorkflow
from workflows.payment import PaymentInput, PaymentWorkflow
from workflows.withdrawal import WithdrawalWorkflow
from workflows.withdrawal_desk import WithdrawalInput

WORKFLOWS_QUEUE = "workflows"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the search attributes and the summary say; nothing that names a person."""

    state: str
    asset: str
    chain: str
    customer_id: int
    amount: str
    """For staff, in the (encrypted) summary: `0.5 BTC`."""


async def start_deposit(
    client: Client, deposit_id: str, subject: Subject
) -> WorkflowHandle[DepositWorkflow, str]:
    """Start the deposit's workflow, or tell the running one to look at its row."""
    return await client.start_workflow(
        DepositWorkflow.run,
        DepositInput(deposit_id=deposit_id, chain=subject.chain),
        id=f"deposit/{deposit_id}",
        task_queue=WORKFLOWS_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="chain_moved",
        static_summary=f"Deposit of {subject.amount} for customer {subject.customer_id}",
        search_attributes=_attributes(subject),
    )


async def start_withdrawal(
    client: Client, withdrawal_id: str, subject: Subject
) -> WorkflowHandle[WithdrawalWorkflow, str]:
    return await client.start_workflow(
        WithdrawalWorkflow.run,
        WithdrawalInput(withdrawal_id=withdrawal_id),
        id=f"withdrawal/{withdrawal_id}",
        task_queue=WORKFLOWS_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="chain_moved",
        static_summary=f"Withdrawal of {subject.amount} by customer {subject.customer_id}",
        search_attributes=_attributes(subject),
    )


async def start_payment(
    client: Client, payment_id: str, chain: str
) -> WorkflowHandle[PaymentWorkflow, str]:
    """Drive a payment of the house."""
    return await client.start_workflow(
        PaymentWorkflow.run,
        PaymentInput(payment_id=payment_id, chain=chain),
        id=f"payment/{payment_id}",
        task_queue=WORKFLOWS_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


def _attributes(subject: Subject) -> TypedSearchAttributes:
    words = {
        "State": subject.state,
        "Asset": subject.asset,
        "Chain": subject.chain,
        "CustomerId": str(subject.customer_id),
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in words.items()
        ]
    )
