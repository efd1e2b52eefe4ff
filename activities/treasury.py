"""Moving the exchange's own coins: sweeps, gas, consolidation, hot to cold, refills from cold.

Planning reserves in a committed transaction, as for withdrawals; the payments are then driven the
same way. A run plans once: its payments carry its id, and a repeated plan finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from domain.money import format_units
from domain.payment import PaymentKind
from storage import blocks, custody_policy, deposits, payments, refills, sweeps, treasury
from storage.custody_policy import AssetPolicy, ChainPolicy
from storage.ledger import Ledger
from storage.refills import Ends, Way


class PlanSweep(BaseModel):
    run_id: str
    """Of the sweep and its stage; part of its payments' ids."""
    chain: str
    asset: str


class SweepPlan(BaseModel):
    payment_ids: list[str]
    why_not: str = ""
    has_more: bool = False
    """Something waits for these payments: plan again when they are done."""


class RefillRequest(BaseModel):
    """Coins wanted from an offline wallet: for its keepers to sign."""

    request_id: int
    asset: str
    amount: str
    unsigned: str
    source: str = "cold"
    target: str = "hot"


class WalletReview(BaseModel):
    """How the hot wallet stands against its thresholds, and what was done about it."""

    asset: str
    hot: str
    low: str
    target: str
    high: str
    payment_ids: list[str] = []
    refill: RefillRequest | None = None
    warm: str = ""
    """What the warm wallet holds; empty where there is none."""
    warm_move: RefillRequest | None = None
    """Between the warm and the cold wallet."""
    burn_percent: int = 0
    """Of what the hot wallet held an hour ago, so much went to customers since."""
    refilled: str = ""
    """What arrived from offline wallets and was booked, or why it cannot be."""


class TreasuryChain(Protocol):
    """What differs from chain to chain."""

    name: str
    fee_asset: str

    async def market(self, policy: ChainPolicy) -> Any: ...

    async def plan_sweep(
        self, connection: AsyncConnection, run: PlanSweep, asset: AssetPolicy, market: Any
    ) -> SweepPlan: ...

    async def plan_store(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        kind: PaymentKind,
        units: int,
        market: Any,
    ) -> list[str]:
        """Send so much from the hot to the warm or cold wallet (`kind`)."""

    async def unsigned_refill(
        self, connection: AsyncConnection, asset: AssetPolicy, ends: Ends, units: int, market: Any
    ) -> str:
        """What the offline signers are asked to sign, or nothing when their wallet is empty."""

    def unsigned_txid(self, unsigned: str) -> str | None:
        """Of a refill that nobody signed yet, where the chain fixes it before."""

    async def paid_refill(
        self, txid: str, asset: AssetPolicy, ends: Ends
    ) -> refills.PaidRefill | None:
        """What the transaction brought; None while it is in no block. Raises RefillMismatch."""

    def is_too_dear(self, policy: ChainPolicy, market: Any) -> bool:
        """The network asks more than a sweep may cost."""


class RefillMismatch(Exception):
    """The transaction is not from the asked wallet alone, or brings the other one nothing."""


class TreasuryActivities:
    def __init__(self, engine: AsyncEngine, ledger: Ledger, chain: TreasuryChain) -> None:
        self._engine = engine
        self._ledger = ledger
        self._chain = chain

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.plan_sweep, self.review_wallet]

    @activity.defn
    async def plan_sweep(self, run: PlanSweep) -> SweepPlan:
        """Reserve what is worth sweeping now, or say why nothing is."""
        policy, market = await self._market()
        async with self._engine.begin() as connection:
            planned = await sweeps.planned_by(connection, f"{run.run_id}-")
            if planned:
                return SweepPlan(payment_ids=planned, has_more=True)
            if not await custody_policy.is_on(connection, "sweeps"):
                return SweepPlan(payment_ids=[], why_not="sweeps are stopped")
            if self._chain.is_too_dear(policy, market):
                return SweepPlan(payment_ids=[], why_not="network fees are above the ceiling")
            asset = await custody_policy.read_asset(connection, run.asset)
            return await self._chain.plan_sweep(connection, run, asset, market)

    @activity.defn
    async def review_wallet(self, run: PlanSweep) -> WalletReview:
        """Too much in the hot wallet goes to the warm and cold ones; too little is asked back."""
        policy, market = await self._market()
        refilled = await self._book_refills(run.asset, policy)
        async with self._engine.begin() as connection:
            asset = await custody_policy.read_asset(connection, run.asset)
            hot_units = await self._free_hot_units(connection, asset)
            review = _review(asset, hot_units)
            review.refilled = refilled
            burns = await treasury.burns(connection, asset.chain)
            review.burn_percent = next(e.percent for e in burns if e.asset == asset.asset)
            planned = await sweeps.planned_by(connection, f"{run.run_id}-")
            if planned:
                review.payment_ids = planned
            elif hot_units > asset.hot_high_units and await custody_policy.is_on(
                connection, "sweeps"
            ):
                units = hot_units - asset.hot_target_units
                review.payment_ids = await self._store(connection, run, asset, units, market)
            elif hot_units < asset.hot_low_units:
                units = asset.hot_target_units - hot_units
                review.refill = await self._refill_hot(connection, asset, units, market)
            await self._review_warm(connection, asset, review, market)
            return review

    async def _store(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        asset: AssetPolicy,
        units: int,
        market: Any,
    ) -> list[str]:
        """The warm wallet up to its target first, the rest to the cold one."""
        room = 0
        if await treasury.has_wallet(connection, f"warm-{asset.chain}"):
            room = asset.warm_target_units - await treasury.warm_units(connection, asset.asset)
        to_warm = min(units, room) if room >= asset.sweep_min_units else 0
        shares = {PaymentKind.WARM: to_warm, PaymentKind.COLD: units - to_warm}
        planned: list[str] = []
        for kind, share in shares.items():
            if share >= asset.sweep_min_units:  # Less is not worth a transaction.
                planned += await self._chain.plan_store(connection, run, kind, share, market)
        return planned

    async def _refill_hot(
        self, connection: AsyncConnection, asset: AssetPolicy, units: int, market: Any
    ) -> RefillRequest | None:
        """Of the warm wallet while it has something: its keepers are quicker."""
        if await treasury.warm_units(connection, asset.asset) > 0:
            found = await self._refill(connection, asset, Way("warm", "hot"), units, market)
            if found is not None:
                return found
        return await self._refill(connection, asset, Way("cold", "hot"), units, market)

    async def _review_warm(
        self, connection: AsyncConnection, asset: AssetPolicy, review: WalletReview, market: Any
    ) -> None:
        """Both ways between the warm and the cold wallet are signed offline."""
        if not await treasury.has_wallet(connection, f"warm-{asset.chain}"):
            return
        units = await treasury.warm_units(connection, asset.asset)
        review.warm = format_units(units, asset.scale)
        if units < asset.warm_low_units:
            way, wanted = Way("cold", "warm"), asset.warm_target_units - units
        elif units > asset.warm_high_units:
            way, wanted = Way("warm", "cold"), units - asset.warm_target_units
        else:
            return
        review.warm_move = await self._refill(connection, asset, way, wanted, market)

    async def _free_hot_units(self, connection: AsyncConnection, asset: AssetPolicy) -> int:
        """What the hot wallet holds beyond all that open payments will take."""
        await payments.lock_wallet(connection, f"hot-{asset.chain}")
        have = await treasury.hot_units(connection, asset.asset)
        wallet_id = f"hot-{asset.chain}"
        return have - await payments.in_flight_units(connection, wallet_id, asset.asset)

    async def _refill(
        self, connection: AsyncConnection, asset: AssetPolicy, way: Way, units: int, market: Any
    ) -> RefillRequest | None:
        """The request of this way; a new one only if nobody is asked of the same wallet's coins."""
        open_requests = await refills.pending(connection, asset.asset)
        found = [each for each in open_requests if refills.way_of(each) == way]
        if not found:
            if await refills.is_asked(connection, f"{way.source}-{asset.chain}"):
                return None  # Two would spend the same coins, or use the same nonce.
            ends = await self._ends(connection, asset, way)
            unsigned = await self._chain.unsigned_refill(connection, asset, ends, units, market)
            if not unsigned:
                return None
            txid = self._chain.unsigned_txid(unsigned)
            found = [await refills.ask(connection, asset, way, units, unsigned, txid)]
        [request] = found
        return RefillRequest(
            request_id=request.id,
            asset=asset.asset,
            amount=format_units(int(request.units), asset.scale),
            unsigned=request.unsigned,
            source=way.source,
            target=way.target,
        )

    async def _ends(self, connection: AsyncConnection, asset: AssetPolicy, way: Way) -> Ends:
        source = await payments.lock_wallet(connection, f"{way.source}-{asset.chain}")
        target = await payments.lock_wallet(connection, f"{way.target}-{asset.chain}")
        return Ends(way, source.address, target.address)

    async def _book_refills(self, code: str, policy: ChainPolicy) -> str:
        """Book what the keepers sent, once it is final by our own blocks."""
        async with self._engine.begin() as connection:
            asset = await custody_policy.read_asset(connection, code)
            told = [
                await self._book_refill(connection, asset, request, policy)
                for request in await refills.pending(connection, code)
                if request.txid is not None
            ]
        return "; ".join(each for each in told if each)

    async def _book_refill(
        self,
        connection: AsyncConnection,
        asset: AssetPolicy,
        request: Row[Any],
        policy: ChainPolicy,
    ) -> str:
        ends = await self._ends(connection, asset, refills.way_of(request))
        try:
            paid = await self._chain.paid_refill(request.txid, asset, ends)
        except RefillMismatch as mismatch:
            return f"refill {request.id}: {mismatch}"
        if paid is None or not await self._is_final(connection, paid, policy):
            return ""
        await refills.book(connection, self._ledger, request, paid, self._chain.fee_asset)
        return f"refill {request.id}: {format_units(paid.units, asset.scale)} {asset.asset} booked"

    async def _is_final(
        self, connection: AsyncConnection, paid: refills.PaidRefill, policy: ChainPolicy
    ) -> bool:
        ours = await blocks.hash_at(connection, self._chain.name, paid.height)
        scanned = await deposits.scanned_height(connection, self._chain.name)
        depth = deposits.confirmations(paid.height, scanned)
        return ours == paid.block_hash and depth >= policy.withdrawal_confirmations

    async def _market(self) -> tuple[ChainPolicy, Any]:
        async with self._engine.connect() as connection:
            policy = await custody_policy.read_chain(connection, self._chain.name)
        return policy, await self._chain.market(policy)


def _review(asset: AssetPolicy, hot_units: int) -> WalletReview:
    def shown(units: int) -> str:
        return format_units(units, asset.scale)

    return WalletReview(
        asset=asset.asset,
        hot=shown(hot_units),
        low=shown(asset.hot_low_units),
        target=shown(asset.hot_target_units),
        high=shown(asset.hot_high_units),
    )
