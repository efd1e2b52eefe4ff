"""How a payment is driven, whoever does it: sign, send, wait, post, and pay more when stuck.

Nothing here ever gives up on a payment, and nothing takes a lost answer for a failure.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payment_messages import BumpPayment, PaymentState, Sent
    from activities.payments import PaymentActivities
    from domain.payment import SignedPayment, SignPayment

SIGNER_QUEUE = "signer"

STEP_TIMEOUT = timedelta(seconds=20)
# Short database transactions: repeat soon, and for ever.
DATABASE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)
)
# Nodes and vendors come back after seconds or minutes.
NODE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
)
REBROADCAST_AFTER = timedelta(seconds=30)
# Unless the broadcast says the chain's policy: histories before it did are driven by these.
BUMP_AFTER = {"bitcoin": timedelta(minutes=20), "ethereum": timedelta(minutes=2)}
LOOK_AGAIN = timedelta(hours=1)
_BUMPS_BY_TIMER_MAX = 6


@dataclass(frozen=True)
class Drive:
    """One payment at its newest attempt."""

    payment_id: str
    chain: str
    attempt: int


class PaymentDriver:
    def __init__(self) -> None:
        self._news = False
        self._problem = ""
        self._bumps_by_timer = 0
        self._has_sent = False
        self._lock = asyncio.Lock()  # Officers' steps and ours change the payment one at a time.

    async def _drive_once(self, drive: Drive) -> PaymentState | None:
        """Send it, wait for news, post it if it is final. None: the signer refused."""
        if not self._has_sent and workflow.patched("news-before-sending"):
            # What started us is no news of the payment. A lost telling is repeated by the watch.
            self._news = False
        self._has_sent = True
        sent = await self._send(drive)
        if sent is None:
            return None
        has_news = await self._news_within(self._patience(drive, sent), "Wait for confirmations")
        state = await self._settle(drive)
        if not (state.is_posted or has_news) and sent.is_out:
            await self._bump_by_timer(drive, state)
        return state

    async def _send(self, drive: Drive) -> Sent | None:
        """Sign the attempt if need be, and offer it to a node. Unknown is no failure."""
        async with self._lock:
            try:
                return await self._sign_and_broadcast(drive)
            except ActivityError as refused:
                # The signer or the rows say no, for good: people must look.
                self._problem = str(refused.cause or refused)
        self._show_progress([])
        await self._news_within(LOOK_AGAIN, "The signer refused: staff must look")
        return None

    async def _sign_and_broadcast(self, drive: Drive) -> Sent:
        request = SignPayment(drive.payment_id, drive.attempt)
        await workflow.execute_activity(
            "sign_payment",
            request,
            result_type=SignedPayment,
            task_queue=SIGNER_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary=f"Sign attempt {drive.attempt}",
        )
        sent = await workflow.execute_activity_method(
            PaymentActivities.broadcast_attempt,
            request,
            task_queue=drive.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary=f"Broadcast attempt {drive.attempt}",
        )
        self._problem = sent.reason if sent.is_refused else ""
        self._show_progress([sent.txid])
        return sent

    async def _settle(self, drive: Drive) -> PaymentState:
        return await workflow.execute_activity_method(
            PaymentActivities.settle_payment,
            SignPayment(drive.payment_id, drive.attempt),
            task_queue=drive.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Post it if it is final",
        )

    async def _bump(self, drive: Drive, reason: str) -> str:
        """Plan the next attempt; answers why not, or nothing. It is signed and sent after it."""
        bumped = await workflow.execute_activity_method(
            PaymentActivities.bump_payment,
            BumpPayment(payment_id=drive.payment_id, after_attempt=drive.attempt, reason=reason),
            task_queue=drive.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Plan a higher fee",
        )
        return bumped.why_not

    async def _bump_by_timer(self, drive: Drive, state: PaymentState) -> None:
        if state.confirmations or self._bumps_by_timer >= _BUMPS_BY_TIMER_MAX:
            return
        self._bumps_by_timer += 1
        async with self._lock:
            self._problem = await self._bump(drive, "timer")
        self._show_progress([])

    def _patience(self, drive: Drive, sent: Sent) -> timedelta:
        if not sent.is_out:
            return REBROADCAST_AFTER
        if self._bumps_by_timer >= _BUMPS_BY_TIMER_MAX:
            return LOOK_AGAIN
        if sent.bump_after_seconds is None:
            return BUMP_AFTER[drive.chain]
        return timedelta(seconds=sent.bump_after_seconds)

    async def _news_within(self, patience: timedelta, summary: str) -> bool:
        """True: something moved. False: nothing did in all that time."""
        try:
            await workflow.wait_condition(
                lambda: self._news, timeout=patience, timeout_summary=summary
            )
        except TimeoutError:
            return False
        self._news = False
        return True

    def _show_progress(self, txids: list[str]) -> None:
        """Put a new transaction, or a problem, where staff look for it."""
        raise NotImplementedError
