"""Do the books agree with chains and keys? What does not stops its asset's withdrawals.

Runs on each chain's own queue, as only its worker talks to that chain's node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.chain_tie import ChainTie, Tie
from domain.money import format_units
from storage import address_checks, custody_policy, reconciliations
from storage.audit import audit_ledger
from storage.catalog import Catalog


class Reconcile(BaseModel):
    run_id: str
    chain: str


class Broken(BaseModel):
    """Something that does not agree."""

    asset: str
    """`*` when it is not about one asset."""
    what: str


class Reconciled(BaseModel):
    chain: str
    lines: list[str]
    """For staff: every comparison and its outcome."""
    broken: list[Broken]


class StopAsset(BaseModel):
    asset: str
    reason: str


class ResumeAsset(StopAsset):
    officer: str


class ReconciliationActivities:
    def __init__(self, engine: AsyncEngine, catalog: Catalog, tie: ChainTie) -> None:
        self._engine = engine
        self._catalog = catalog
        self._tie = tie

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.reconcile, self.stop_withdrawals, self.resume_withdrawals]

    @activity.defn
    async def reconcile(self, asked: Reconcile) -> Reconciled:
        """Compare and write down; changes nothing else."""
        ties = await self._tie.ties(asked.chain)
        async with self._engine.begin() as connection:
            for tie in ties:
                await reconciliations.write_down(
                    connection,
                    run_id=asked.run_id,
                    asset=tie.asset,
                    ledger_units=tie.ledger_units + tie.uncredited_units - tie.left_units,
                    chain_units=tie.chain_units,
                    details={
                        "height": tie.height,
                        "ledger": str(tie.ledger_units),
                        "not_credited_yet": str(tie.uncredited_units),
                        "not_posted_yet": str(tie.left_units),
                    },
                )
            signatures = await reconciliations.signature_faults(connection, asked.chain)
            orphans = await reconciliations.money_without_way(connection, asked.chain)
            foreign = await address_checks.overdue(connection, asked.chain)
        findings = await audit_ledger(self._engine)
        broken = [
            Broken(asset=tie.asset, what=self._line(tie)) for tie in ties if tie.difference_units
        ]
        broken += [Broken(asset="*", what=fault) for fault in (*signatures, *orphans)]
        broken += [Broken(asset="*", what=str(finding)) for finding in findings]
        if foreign:
            what = f"{foreign} deposit addresses on {asked.chain} that the signer has not derived"
            broken.append(Broken(asset="*", what=what))
        return Reconciled(chain=asked.chain, lines=[self._line(tie) for tie in ties], broken=broken)

    @activity.defn
    async def stop_withdrawals(self, stop: StopAsset) -> None:
        """Of one asset, or (`*`) of all. Stopped already, it stays so with its first reason."""
        async with self._engine.begin() as connection:
            if stop.asset == "*":
                if await custody_policy.is_on(connection, "withdrawals"):
                    await custody_policy.set_switch(
                        connection,
                        "withdrawals",
                        is_on=False,
                        reason=stop.reason,
                        officer="reconciliation",
                    )
                return
            asset = await custody_policy.read_asset(connection, stop.asset)
            if asset.withdraw_enabled:
                await custody_policy.set_asset_flags(
                    connection, stop.asset, withdraw_enabled=False, reason=stop.reason
                )

    @activity.defn
    async def resume_withdrawals(self, resume: ResumeAsset) -> None:
        async with self._engine.begin() as connection:
            if resume.asset == "*":
                await custody_policy.set_switch(
                    connection,
                    "withdrawals",
                    is_on=True,
                    reason=resume.reason,
                    officer=resume.officer,
                )
                return
            await custody_policy.set_asset_flags(
                connection, resume.asset, withdraw_enabled=True, reason=""
            )

    def _line(self, tie: Tie) -> str:
        def shown(units: int) -> str:
            return format_units(units, self._catalog.asset(tie.asset).scale)

        return (
            f"{tie.asset} at height {tie.height}: chain {shown(tie.chain_units)}, "
            f"books {shown(tie.ledger_units)}, to be credited {shown(tie.uncredited_units)}, "
            f"to be posted {shown(tie.left_units)}, difference {shown(tie.difference_units)}"
        )
