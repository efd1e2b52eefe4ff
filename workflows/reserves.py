"""Proof of reserves, every day: coins counted, liabilities taken, keys asked to sign, published.

Bitcoin's node can count at its tip only, so its coins are counted first, and the liabilities are
taken from a ledger that stands at the very same block. Ethereum's can look back at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.challenges import ChallengeSigning
    from activities.reserves import (
        CountedBlock,
        CountReserves,
        PublishedReserves,
        ReserveActivities,
        ReserveCounting,
        TakeLiabilities,
        Taken,
    )
    from workflows import search_attributes as attributes

LEDGER_QUEUE = "ledger"
SIGNER_QUEUE = "signer"
_LOOKS = 20
_TIMEOUT = timedelta(minutes=15)
_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=20,  # The next scheduled run comes anyway.
)


@dataclass
class ReservesInput:
    tip_chains: list[str]
    """Counted at the tip, before the liabilities are taken."""
    other_chains: list[str]
    """Counted afterwards, at the block that the liabilities know."""


@workflow.defn
class ReservesWorkflow:
    """Its result is the bundle's id, or a refusal that says what is not covered."""

    @workflow.run
    async def run(self, asked: ReservesInput) -> str:
        bundle = _bundle_id()
        self._show("taking", [f"bundle {bundle}"], needs_human=False)
        taken = await self._take(bundle, asked.tip_chains)
        for block in taken.blocks:
            if block.chain in asked.other_chains:
                await self._count(bundle, block.chain, block)
        signed = await workflow.execute_activity_method(
            ChallengeSigning.sign_challenges,
            bundle,
            task_queue=SIGNER_QUEUE,
            start_to_close_timeout=_TIMEOUT,
            heartbeat_timeout=timedelta(minutes=2),
            retry_policy=_RETRY,
            summary="Sign for every address whose key is online",
        )
        published = await workflow.execute_activity_method(
            ReserveActivities.publish_reserves,
            bundle,
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_RETRY,
            summary="Publish",
        )
        self._tell(bundle, signed, published)
        if not published.is_published:
            short = [each.asset for each in published.coverage if not each.is_covered]
            raise ApplicationError(
                f"{bundle}: {', '.join(short)} not covered by what keys signed for",
                type="reserves_short",
                non_retryable=True,
            )
        return bundle

    async def _take(self, bundle: str, tip_chains: list[str]) -> Taken:
        """Count and take until no block comes in between."""
        for _ in range(_LOOKS):
            counted = [await self._count(bundle, chain, None) for chain in tip_chains]
            taken = await workflow.execute_activity_method(
                ReserveActivities.take_liabilities,
                TakeLiabilities(bundle=bundle, counted=counted),
                task_queue=LEDGER_QUEUE,
                start_to_close_timeout=_TIMEOUT,
                retry_policy=_RETRY,
                summary="Take what customers are owed",
            )
            if not taken.has_moved:
                return taken
        raise ApplicationError("a block came in between, each time", type="tip_keeps_moving")

    async def _count(self, bundle: str, chain: str, at: CountedBlock | None) -> CountedBlock:
        return await workflow.execute_activity_method(
            ReserveCounting.count_reserves,
            CountReserves(bundle=bundle, chain=chain, at=at),
            task_queue=chain,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_RETRY,
            summary=f"Count our coins on {chain}",
        )

    def _tell(self, bundle: str, signed: int, published: PublishedReserves) -> None:
        lines = [f"bundle {bundle}", f"{signed} addresses signed for"]
        lines += [
            f"{each.asset}: {each.owed} units owed, {each.held} held, {each.unsigned} unsigned"
            for each in published.coverage
        ]
        if not published.is_published:
            lines.append(
                "**What to do:** nothing was published. Have the offline wallets' keepers sign "
                "(`rialto reserves challenges`, `rialto reserves attach`), or find what is missing."
            )
        state = "published" if published.is_published else "short"
        self._show(state, lines, needs_human=not published.is_published)

    def _show(self, state: str, lines: list[str], *, needs_human: bool) -> None:
        heading = f"### Proof of reserves: {state}"
        workflow.set_current_details("\n".join([heading, "", *(f"- {line}" for line in lines)]))
        workflow.upsert_search_attributes(
            [
                attributes.STATE.value_set(f"reserves_{state}"),
                attributes.QUEUE.value_set("operations"),
                attributes.NEEDS_HUMAN.value_set(needs_human),
            ]
        )


def _bundle_id() -> str:
    """When it began, and the run id's random end: the beginning is the time, too (UUIDv7)."""
    moment = workflow.now().strftime("%Y-%m-%dT%H%M%SZ")
    # Two may begin in one second, by the schedule and by hand. Runs under way keep their bundle.
    if workflow.patched("a-bundle-for-each-run"):
        return f"{moment}-{workflow.info().first_execution_run_id[-8:]}"
    return moment
