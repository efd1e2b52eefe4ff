"""Paying: reserve, broadcast, raise the fee, post. The same steps on every chain.

Each is safe to run twice, and safe to lose its answer: what is reserved is committed before it is
signed, what is signed is stored before it is sent, and only the same bytes are ever sent again.
Signing happens elsewhere (`activities.signing`, on its own queue).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.payment_messages import (
    Bumped,
    BumpPayment,
    PaymentState,
    PaymentStep,
    PaymentView,
    Sent,
    WithdrawalStep,
)
from activities.refusals import refusals_end_it
from activities.withdrawal_view import WithdrawalView, read_view, tell_customer
from chains.node import Broadcast, BroadcastOutcome
from domain.money import format_units
from domain.payment import PaymentKind, PaymentStatus, SignPayment
from domain.withdrawal import WithdrawalStatus
from ledger.account import AccountKind
from storage import (
    blocks,
    custody_policy,
    deposits,
    payment_progress,
    payments,
    sweeps,
    withdrawals,
)
from storage.catalog import Catalog
from storage.custody_policy import ChainPolicy
from storage.ledger import Ledger
from storage.payment_progress import Mined
from storage.payments import AttemptPlan, Coin
from streams.notices import Notices

_WALLETS_OF = {
    PaymentKind.SWEEP: (AccountKind.DEPOSIT_WALLET, AccountKind.HOT_WALLET),
    PaymentKind.GAS: (AccountKind.HOT_WALLET, AccountKind.DEPOSIT_WALLET),
    PaymentKind.FILL: (AccountKind.HOT_WALLET, AccountKind.HOT_WALLET),
    PaymentKind.CONSOLIDATION: (AccountKind.HOT_WALLET, AccountKind.HOT_WALLET),
    PaymentKind.COLD: (AccountKind.HOT_WALLET, AccountKind.COLD_WALLET),
    PaymentKind.WARM: (AccountKind.HOT_WALLET, AccountKind.WARM_WALLET),
    PaymentKind.BATCH_SWEEP: (AccountKind.DEPOSIT_WALLET, AccountKind.HOT_WALLET),
}
_WAIT_SECONDS_MAX = 60


class NotPayableNow(Exception):
    """The withdrawal waits: for its batch, for hot funds, for the end of a stop."""

    def __init__(self, reason: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


class FeeCapReached(Exception):
    """Paying more needs a person's decision."""


@dataclass(frozen=True, slots=True)
class Bump:
    """A higher fee for the same payment, and what it newly takes as inputs."""

    plan: AttemptPlan
    more_inputs: Sequence[Coin] = ()


class PaymentChain(Protocol):
    """What differs from chain to chain."""

    name: str
    fee_asset: str

    async def market(self, policy: ChainPolicy) -> Any:
        """What the network charges now; asked before the database transaction begins."""

    async def reserve(
        self, connection: AsyncConnection, row: Row[Any], policy: ChainPolicy, market: Any
    ) -> None:
        """Give the approved withdrawal (and others, on some chains) a payment.

        Raises NotPayableNow.
        """

    async def bump(
        self, connection: AsyncConnection, payment: Row[Any], policy: ChainPolicy, market: Any
    ) -> Bump:
        """Raises FeeCapReached."""

    async def broadcast(self, raw: bytes, txid: str) -> Broadcast: ...

    async def sources(self, txid: str) -> list[str]:
        """Addresses that paid for the transaction."""

    async def locate(self, txid: str, attempt: int, fee_units_max: int) -> Mined | bool:
        """Where the transaction stands: in a block, in the mempool (True), or unknown (False)."""


class PaymentActivities:
    def __init__(
        self,
        engine: AsyncEngine,
        ledger: Ledger,
        catalog: Catalog,
        notices: Notices,
        chain: PaymentChain,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._notices = notices
        self._chain = chain

    def all(self) -> Sequence[Callable[..., Any]]:
        return [
            self.reserve_withdrawal,
            self.broadcast_attempt,
            self.bump_payment,
            self.settle_payment,
            self.read_payment,
        ]

    @activity.defn
    async def reserve_withdrawal(self, step: WithdrawalStep) -> WithdrawalView:
        """Give the withdrawal its nonce or inputs, in a committed transaction, once.

        While it cannot be paid this raises and is retried by the server, which costs no history;
        the reason is in the row for the customer and in the failure for staff.
        """
        try:
            await self._reserve(step.withdrawal_id)
        except NotPayableNow as wait:
            await self._note_waiting(step.withdrawal_id, wait.reason)
            seconds = min(_WAIT_SECONDS_MAX, wait.wait_seconds or 2 ** activity.info().attempt)
            raise ApplicationError(
                wait.reason,
                type="NotPayableNow",
                next_retry_delay=timedelta(seconds=seconds),
                category=ApplicationErrorCategory.BENIGN,
            ) from None
        return await self._tell(step.withdrawal_id)

    @activity.defn
    @refusals_end_it
    async def broadcast_attempt(self, step: SignPayment) -> Sent:
        """Offer the stored bytes to a node; any number of times is as good as once."""
        async with self._engine.begin() as connection:
            payment = await payments.lock(connection, step.payment_id)
            row = await payments.signed_attempt(connection, step.payment_id, step.attempt)
            if payment.posted_at is not None:
                return Sent(txid=row.txid, outcome=BroadcastOutcome.KNOWN, reason="already posted")
            await payment_progress.mark_sending(connection, step.payment_id, step.attempt)
            policy = await custody_policy.read_chain(connection, self._chain.name)
        answer = await self._chain.broadcast(bytes(row.raw), row.txid)
        async with self._engine.begin() as connection:
            await payments.lock(connection, step.payment_id)
            await payment_progress.mark_answered(
                connection,
                step.payment_id,
                step.attempt,
                answer=f"{answer.outcome}: {answer.reason}",
                is_out=answer.is_out,
            )
        await self._tell_payees(step.payment_id)
        return Sent(
            txid=row.txid,
            outcome=answer.outcome,
            reason=answer.reason,
            bump_after_seconds=policy.bump_after_seconds,
        )

    @activity.defn
    @refusals_end_it
    async def bump_payment(self, bump: BumpPayment) -> Bumped:
        """Plan the next attempt at a higher fee: same nonce or inputs, same payees."""
        policy, market = await self._market()
        async with self._engine.begin() as connection:
            payment = await payments.lock(connection, bump.payment_id)
            newest = (await payments.attempts(connection, bump.payment_id))[-1]
            if newest.attempt != bump.after_attempt:
                return Bumped(attempt=newest.attempt)
            why_not = _why_no_bump(payment, newest)
            if why_not:
                return Bumped(attempt=newest.attempt, why_not=why_not)
            try:
                higher = await self._chain.bump(connection, payment, policy, market)
            except FeeCapReached as cap:
                return Bumped(attempt=newest.attempt, why_not=str(cap))
            taken = await payments.inputs(connection, bump.payment_id)
            await payments.reserve_inputs(
                connection, bump.payment_id, higher.more_inputs, first_position=len(taken)
            )
            attempt = newest.attempt + 1
            await payments.plan_attempt(connection, bump.payment_id, attempt, higher.plan)
        return Bumped(attempt=attempt)

    @activity.defn
    @refusals_end_it
    async def settle_payment(self, step: SignPayment) -> PaymentState:
        """Post the payment if one of its attempts is final; else say how far it is."""
        policy = await self._policy()
        mined = await self._find_mined(step.payment_id)
        async with self._engine.begin() as connection:
            payment = await payments.lock(connection, step.payment_id)
            if payment.posted_at is not None:
                return _state(payment, policy.withdrawal_confirmations)
            scanned = await deposits.scanned_height(connection, self._chain.name)
            confirmations = deposits.confirmations(mined.height if mined else None, scanned)
            why_not = await self._why_not_final(connection, mined, confirmations, policy)
            if why_not or mined is None:
                return _state(payment, confirmations, why_not)
            await self._post(connection, payment, mined)
        await self._tell_payees(step.payment_id)
        async with self._engine.connect() as connection:
            return _state(await payments.read(connection, step.payment_id), confirmations)

    @activity.defn
    async def read_payment(self, step: PaymentStep) -> PaymentView:
        async with self._engine.connect() as connection:
            payment = await payments.read(connection, step.payment_id)
            attempts = await payments.attempts(connection, step.payment_id)
        return PaymentView(
            payment_id=payment.id,
            chain=payment.chain,
            kind=PaymentKind(payment.kind),
            status=PaymentStatus(payment.status),
            asset=payment.asset,
            amount=format_units(int(payment.units), self._catalog.asset(payment.asset).scale),
            is_posted=payment.posted_at is not None,
            attempt=attempts[-1].attempt,
            txids=[each.txid for each in attempts if each.txid is not None],
        )

    async def _reserve(self, withdrawal_id: str) -> None:
        policy, market = await self._market()
        async with self._engine.begin() as connection:
            row = await withdrawals.find(connection, withdrawal_id)
            if row.status != WithdrawalStatus.APPROVED:
                return
            asset = await custody_policy.read_asset(connection, row.asset)
            if not asset.withdraw_enabled:
                raise NotPayableNow(f"withdrawals of {row.asset} are paused: {asset.pause_reason}")
            if not await custody_policy.is_on(connection, "withdrawals"):
                raise NotPayableNow("all withdrawals are paused")
            await self._chain.reserve(connection, row, policy, market)

    async def _note_waiting(self, withdrawal_id: str, reason: str) -> None:
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, withdrawal_id)
            if row.status == WithdrawalStatus.APPROVED and row.reason != reason:
                await withdrawals.note(connection, withdrawal_id, reason=reason)

    async def _find_mined(self, payment_id: str) -> Mined | None:
        async with self._engine.connect() as connection:
            attempts = await payments.attempts(connection, payment_id)
        for attempt in reversed(attempts):
            if attempt.txid is not None:
                place = await self._chain.locate(
                    attempt.txid, attempt.attempt, int(attempt.fee_units_max)
                )
                if isinstance(place, Mined):
                    return place
        return None

    async def _why_not_final(
        self,
        connection: AsyncConnection,
        mined: Mined | None,
        confirmations: int,
        policy: ChainPolicy,
    ) -> str:
        if mined is None:
            return "in no block"
        ours = await blocks.hash_at(connection, self._chain.name, mined.height)
        if ours != mined.block_hash:
            return "the node's block is not one that we followed"
        if confirmations < policy.withdrawal_confirmations:
            return f"{confirmations} of {policy.withdrawal_confirmations} confirmations"
        return ""

    async def _post(self, connection: AsyncConnection, payment: Row[Any], mined: Mined) -> None:
        fee_asset = self._chain.fee_asset
        if not mined.succeeded:
            await payment_progress.post_failed(connection, self._ledger, payment, mined, fee_asset)
            await sweeps.release(connection, payment.id)
        elif payment.kind == PaymentKind.WITHDRAWAL:
            await payment_progress.post_withdrawals(
                connection, self._ledger, payment, mined, fee_asset
            )
        else:
            wallets = _WALLETS_OF[PaymentKind(payment.kind)]
            await payment_progress.post_moved(
                connection, self._ledger, payment, mined, fee_asset, wallets
            )
            await sweeps.mark_swept(connection, payment.id)

    async def _market(self) -> tuple[ChainPolicy, Any]:
        policy = await self._policy()
        return policy, await self._chain.market(policy)

    async def _policy(self) -> ChainPolicy:
        async with self._engine.connect() as connection:
            return await custody_policy.read_chain(connection, self._chain.name)

    async def _tell(self, withdrawal_id: str) -> WithdrawalView:
        async with self._engine.connect() as connection:
            view = await read_view(connection, self._catalog, withdrawal_id)
        await tell_customer(self._notices, view)
        return view

    async def _tell_payees(self, payment_id: str) -> None:
        async with self._engine.connect() as connection:
            outputs = await payments.outputs(connection, payment_id)
        for output in outputs:
            if output.withdrawal_id is not None:
                await self._tell(output.withdrawal_id)


def _why_no_bump(payment: Row[Any], newest: Row[Any]) -> str:
    if payment.posted_at is not None or payment.height is not None:
        return "it is in a block already"
    if payment.status == PaymentStatus.DEAD:
        return "it can never be mined"
    if newest.txid is None:
        return "its newest attempt is not signed yet"
    return ""


def _state(payment: Row[Any], confirmations: int, why_not: str = "") -> PaymentState:
    return PaymentState(
        payment_id=payment.id,
        status=PaymentStatus(payment.status),
        is_posted=payment.posted_at is not None,
        confirmations=confirmations,
        why_not=why_not,
    )
