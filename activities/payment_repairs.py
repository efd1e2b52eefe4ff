"""What operations may do to a payment that is stuck: take a payee out, or prove that it is dead.

Nothing here believes anybody: that a transaction never was signed is read under the signer's lock,
and that another one took its place is read from a node and from the blocks we followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.payments import FeeCapReached, PaymentChain
from activities.refusals import refusals_end_it
from activities.withdrawal_view import WithdrawalView, read_view, tell_customer
from activities.withdrawals import OfficerWord
from domain.errors import WrongState
from domain.payment import PaymentStatus
from domain.withdrawal import WithdrawalEvent, WithdrawalStatus
from storage import (
    blocks,
    custody_policy,
    deposits,
    payments,
    withdrawal_release,
    withdrawals,
)
from storage.catalog import Catalog
from storage.ledger import Ledger
from storage.payments import Coin
from streams.notices import Notices


class MarkReplaced(BaseModel):
    withdrawal_id: str
    payment_id: str
    txid: str
    """The transaction that took the nonce or an input."""
    officer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A foreign transaction that spends what a payment wanted to spend."""

    height: int
    block_hash: str


class RepairableChain(PaymentChain, Protocol):
    async def conflict(
        self, txid: str, payment: Row[Any], inputs: Sequence[Coin]
    ) -> Conflict | None:
        """Where `txid` stands, if it is in a block and spends the payment's nonce or an input."""


class RepairActivities:
    def __init__(
        self,
        engine: AsyncEngine,
        ledger: Ledger,
        catalog: Catalog,
        notices: Notices,
        chain: RepairableChain,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._notices = notices
        self._chain = chain

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.drop_withdrawal, self.mark_replaced]

    @activity.defn
    @refusals_end_it
    async def drop_withdrawal(self, word: OfficerWord) -> WithdrawalView:
        """Take a withdrawal out of its payment and give the funds back; only if nothing is signed.

        On Ethereum the nonce is then used for nothing, so that later payments are not stuck.
        """
        async with self._engine.connect() as connection:
            policy = await custody_policy.read_chain(connection, self._chain.name)
        market = await self._chain.market(policy)
        async with self._engine.begin() as connection:
            row = await withdrawals.find(connection, word.withdrawal_id)
            assert row.payment_id is not None
            payment = await payments.lock(connection, row.payment_id)
            row = await withdrawals.lock(connection, word.withdrawal_id)
            if row.status != WithdrawalStatus.CANCELLED:
                await self._drop_locked(connection, payment, row, policy, market, word)
        return await self._tell(word.withdrawal_id)

    @activity.defn
    @refusals_end_it
    async def mark_replaced(self, mark: MarkReplaced) -> WithdrawalView:
        """Believe that the payment is dead, if nodes and our own blocks prove it."""
        async with self._engine.connect() as connection:
            payment = await payments.read(connection, mark.payment_id)
            inputs = await payments.inputs(connection, mark.payment_id)
            attempts = await payments.attempts(connection, mark.payment_id)
        if mark.txid in {attempt.txid for attempt in attempts}:
            raise WrongState("this transaction is an attempt of the payment itself")
        conflict = await self._chain.conflict(mark.txid, payment, inputs)
        if conflict is None:
            raise WrongState("this transaction is in no block, or does not conflict")
        async with self._engine.begin() as connection:
            payment = await payments.lock(connection, mark.payment_id)
            if payment.status != PaymentStatus.DEAD:
                await self._check_final(connection, conflict)
                if payment.posted_at is not None:
                    raise WrongState("the payment is posted: it was mined")
                reason = f"replaced by {mark.txid}, says {mark.officer}: {mark.reason}"
                await withdrawal_release.give_up(connection, payment.id, reason)
        return await self._tell(mark.withdrawal_id)

    async def _drop_locked(
        self,
        connection: AsyncConnection,
        payment: Row[Any],
        row: Row[Any],
        policy: custody_policy.ChainPolicy,
        market: Any,
        word: OfficerWord,
    ) -> None:
        if row.status != WithdrawalStatus.RESERVED:
            raise WrongState(
                f"the withdrawal is {row.status}: the coins may have left", status=row.status
            )
        await self._drop(connection, payment, row)
        try:
            await self._plan_rest(connection, payment.id, policy, market)
        except FeeCapReached as cap:
            raise WrongState(str(cap)) from None
        await withdrawal_release.give_back(
            connection,
            self._ledger,
            row,
            WithdrawalEvent.PROVEN_DEAD,
            officer=word.officer,
            reason=word.reason,
        )

    async def _drop(self, connection: AsyncConnection, payment: Row[Any], row: Row[Any]) -> None:
        await withdrawal_release.lock_unsigned(connection, payment.id)
        if await withdrawal_release.take_out(connection, payment, row):
            return
        if payment.nonce is None:
            await withdrawal_release.abandon(connection, payment.id)
        else:
            await withdrawal_release.fill_gap(connection, payment)

    async def _plan_rest(
        self, connection: AsyncConnection, payment_id: str, policy: Any, market: Any
    ) -> None:
        """The old plan paid somebody who is gone: the next attempt pays who is left."""
        payment = await payments.read(connection, payment_id)
        if payment.status == PaymentStatus.DEAD:
            return
        attempts = await payments.attempts(connection, payment_id)
        higher = await self._chain.bump(connection, payment, policy, market)
        await payments.plan_attempt(connection, payment_id, attempts[-1].attempt + 1, higher.plan)

    async def _check_final(self, connection: AsyncConnection, conflict: Conflict) -> None:
        chain = self._chain.name
        policy = await custody_policy.read_chain(connection, chain)
        scanned = await deposits.scanned_height(connection, chain)
        depth = deposits.confirmations(conflict.height, scanned)
        if await blocks.hash_at(connection, chain, conflict.height) != conflict.block_hash:
            raise WrongState("the node's block is not one that we followed")
        if depth < policy.withdrawal_confirmations:
            raise WrongState(
                f"it has {depth} of {policy.withdrawal_confirmations} confirmations: wait"
            )

    async def _tell(self, withdrawal_id: str) -> WithdrawalView:
        async with self._engine.connect() as connection:
            view = await read_view(connection, self._catalog, withdrawal_id)
        await tell_customer(self._notices, view)
        return view
