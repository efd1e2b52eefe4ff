"""Tells withdrawals' workflows, and starts those that no process started: the row is the outbox."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from domain.money import Amount
from storage import payment_progress, withdrawals
from storage.catalog import Catalog
from storage.withdrawals import DueWithdrawal
from workers.chain_worker import pause
from workflows.start import Subject, start_payment, start_withdrawal

logger = logging.getLogger(__name__)

_AT_ONCE = 50
_EVERY_SECONDS = 0.5


class WithdrawalRelay:
    def __init__(self, engine: AsyncEngine, client: Client, catalog: Catalog) -> None:
        self._engine = engine
        self._client = client
        self._catalog = catalog

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                told = await self.tell()
            except (DBAPIError, RPCError, OSError) as fault:
                logger.warning(
                    "withdrawals could not be told",
                    extra={"fault": f"{type(fault).__name__}: {fault}"[:300]},
                )
                told = 0
            if told < _AT_ONCE:
                await pause(stop, _EVERY_SECONDS)

    async def tell(self) -> int:
        """One round; answers how many were told."""
        async with self._engine.begin() as connection:
            due = await withdrawals.claim_news(connection, limit=_AT_ONCE)
            # Inside the database transaction: a withdrawal not told of stays due.
            await asyncio.gather(*(self._start(withdrawal) for withdrawal in due))
            fills = await payment_progress.claim_news(connection)
            await asyncio.gather(*(start_payment(self._client, *fill) for fill in fills))
        return len(due)

    async def _start(self, withdrawal: DueWithdrawal) -> None:
        amount = Amount(self._catalog.asset(withdrawal.asset), withdrawal.units)
        subject = Subject(
            state=withdrawal.status,
            asset=withdrawal.asset,
            chain=withdrawal.chain,
            customer_id=withdrawal.customer_id,
            amount=str(amount),
        )
        await start_withdrawal(self._client, withdrawal.id, subject)
