"""Starting and reaching a customer's KYC workflow: one place for its id, queue and summary."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError

from compliance.tiers import Tier
from domain.errors import WrongState
from domain.ids import CustomerId
from workflows import search_attributes as search
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
from workflows.kyc_messages import Closing, FreezeRequest, KycCase, KycStatus, Submission

_PATIENCE = timedelta(seconds=10)


def kyc_workflow_id(customer_id: CustomerId) -> str:
    return f"kyc/{customer_id}"


async def start_kyc(client: Client, customer_id: CustomerId) -> None:
    """Start the customer's workflow; one that runs is kept."""
    await client.start_workflow(
        KycWorkflow.run,
        KycCase(customer_id=customer_id),
        id=kyc_workflow_id(customer_id),
        task_queue=COMPLIANCE_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"KYC of customer {customer_id}",
        search_attributes=_attributes(customer_id),
    )


async def submit_kyc(
    client: Client, customer_id: CustomerId, tier: Tier, *, name: str | None = None
) -> KycStatus:
    """Hand the application in, starting the workflow if need be. Raises WrongState.

    The same `name` again is the same submission: it gets the first one's answer.
    """
    start = WithStartWorkflowOperation(
        KycWorkflow.run,
        KycCase(customer_id=customer_id),
        id=kyc_workflow_id(customer_id),
        task_queue=COMPLIANCE_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"KYC of customer {customer_id}",
        search_attributes=_attributes(customer_id),
    )
    try:
        status: KycStatus = await client.execute_update_with_start_workflow(
            "submit",
            Submission(requested_tier=tier),
            id=None if name is None else f"submit:{name}",
            start_workflow_operation=start,
            result_type=KycStatus,
            rpc_timeout=_PATIENCE,
        )
        return status  # noqa: TRY300 - one call, one answer
    except WorkflowUpdateFailedError as failure:
        raise _refusal(failure) from failure


async def close_kyc(client: Client, customer_id: CustomerId) -> KycStatus:
    """The customer leaves. Raises WrongState with a sentence."""
    handle = client.get_workflow_handle_for(KycWorkflow.run, kyc_workflow_id(customer_id))
    try:
        status: KycStatus = await handle.execute_update(
            "close_account",
            Closing(),
            id="close_account",  # Whoever asks twice is answered twice, and leaves once.
            result_type=KycStatus,
            rpc_timeout=_PATIENCE,
        )
        return status  # noqa: TRY300 - one call, one answer
    except WorkflowUpdateFailedError as failure:
        raise _refusal(failure) from failure


async def nudge_kyc(client: Client, customer_id: CustomerId, check_id: str) -> None:
    """The vendor has news of `check_id`; the workflow will ask for it."""
    handle = client.get_workflow_handle_for(KycWorkflow.run, kyc_workflow_id(customer_id))
    await handle.signal(KycWorkflow.vendor_result, check_id, rpc_timeout=_PATIENCE)


async def freeze_customer(
    client: Client, customer_id: CustomerId, *, source: str, why: str
) -> None:
    """Stop the account at once, whether it ever began KYC or not."""
    await client.start_workflow(
        KycWorkflow.run,
        KycCase(customer_id=customer_id),
        id=kyc_workflow_id(customer_id),
        task_queue=COMPLIANCE_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"KYC of customer {customer_id}",
        search_attributes=_attributes(customer_id),
        start_signal="freeze_now",
        start_signal_args=[FreezeRequest(source=source, reason=why)],
    )


def _attributes(customer_id: CustomerId) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(search.STATE, "not_started"),
            SearchAttributePair(search.CUSTOMER_ID, str(customer_id)),
        ]
    )


def _refusal(failure: WorkflowUpdateFailedError) -> WrongState:
    cause = failure.cause
    return WrongState(cause.message if isinstance(cause, ApplicationError) else str(cause))
