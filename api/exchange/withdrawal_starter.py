"""Starts the workflow of a withdrawal that was just requested, and asks it to cancel."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.errors import WrongState
from domain.money import format_units
from storage.catalog import Catalog
from streams.temporal import RPC_TIMEOUT
from workflows.staff import StaffAnswer
from workflows.start import Subject, start_withdrawal
from workflows.withdrawal import WithdrawalWorkflow


class WithdrawalStarter:
    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def start(self, row: Row[Any]) -> None:
        await self._running(row)

    async def cancel(self, row: Row[Any]) -> None:
        """Have its workflow cancel it, which is the only one to know whether it still can.

        Raises WrongState when the coins may have left.
        """
        handle = await self._running(row)
        try:
            await handle.execute_update(
                "cancel_by_customer", result_type=StaffAnswer, rpc_timeout=RPC_TIMEOUT
            )
        except WorkflowUpdateFailedError as refused:
            cause = refused.cause
            reason = cause.message if isinstance(cause, ApplicationError) else str(cause)
            raise WrongState(reason) from None

    async def _running(self, row: Row[Any]) -> WorkflowHandle[WithdrawalWorkflow, str]:
        asset = self._catalog.asset(row.asset)
        subject = Subject(
            state=row.status,
            asset=row.asset,
            chain=row.chain,
            customer_id=row.customer_id,
            amount=f"{format_units(int(row.units), asset.scale)} {asset.code}",
        )
        return await start_withdrawal(self._client, row.id, subject)
