"""Bitcoin's sweeps: final deposit coins into one output, when fees are low and it is worth it."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities import bitcoin_lifting
from activities.bitcoin_payments import HOT_WALLET, BitcoinPayments, coins_of, fee_policy
from activities.treasury import PlanSweep, RefillMismatch, SweepPlan
from chains.bitcoin import psbt, selection
from chains.bitcoin.addresses import parse_address
from chains.bitcoin.fees import satoshi
from chains.bitcoin.node import BitcoinNode
from chains.bitcoin.size import fee_satoshi, transaction_vsize
from chains.bitcoin.transaction import Outpoint, Output, UnsignedTransaction, Utxo
from domain.ids import TxId
from domain.payment import FREE_COINS_ENOUGH, PaymentKind
from storage import custody_policy, payments, sweeps
from storage.custody_policy import AssetPolicy, ChainPolicy
from storage.payments import AttemptPlan, Coin, NewPayment, Payee
from storage.refills import Ends, PaidRefill

_INPUT_VBYTES = 68
_INPUTS_MAX = 200
_OUTPUT_SCRIPT_BYTES = 22
_HOT_COINS_MAX = 150
"""More outputs than this in the hot wallet make selection and fees worse: join small ones."""
_PIECE_COSTS = 100
"""An output that costs more than a hundredth of itself to spend is not made on purpose."""
_JOINED_AT_ONCE = 50


class BitcoinTreasury(BitcoinPayments):
    def __init__(self, node: BitcoinNode) -> None:
        super().__init__(node)

    def is_too_dear(self, policy: ChainPolicy, market: int) -> bool:
        return market > policy.sweep_fee_rate_cap

    async def plan_sweep(
        self, connection: AsyncConnection, run: PlanSweep, asset: AssetPolicy, market: int
    ) -> SweepPlan:
        """Stuck deposits are lifted, final ones gathered; else the hot wallet's small coins are."""
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        lifted = await self._lift(connection, run, hot, market)
        gathered = await self._plan_gathering(connection, run, hot, asset, market)
        if lifted:
            return SweepPlan(payment_ids=[*lifted, *gathered.payment_ids])
        return gathered

    async def _lift(
        self, connection: AsyncConnection, run: PlanSweep, hot: Row[Any], market: int
    ) -> list[str]:
        policy = await custody_policy.read_chain(connection, self.name)
        await bitcoin_lifting.give_up_orphans(connection, self._node)
        return await bitcoin_lifting.lift(
            connection,
            self._node,
            run,
            hot,
            fee_rate=market,
            policy=fee_policy(policy),
            stuck_after_seconds=policy.bump_after_seconds,
        )

    async def _plan_gathering(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        hot: Row[Any],
        asset: AssetPolicy,
        market: int,
    ) -> SweepPlan:
        cost = fee_satoshi(_INPUT_VBYTES, market)
        coins = await sweeps.bitcoin_coins(connection, units_min=cost, limit=_INPUTS_MAX)
        if sum(coin.units for coin in coins) >= asset.sweep_min_units:
            payment = _gather(run, coins, hot.address, market, PaymentKind.SWEEP)
            await payments.create(connection, payment)
            await sweeps.assign_outputs(connection, payment.id)
            return SweepPlan(payment_ids=[payment.id])
        more = await self._plan_coins(connection, run, hot, market)
        if more is None:
            return SweepPlan(payment_ids=[], why_not="below the threshold")
        await payments.create(connection, more)
        return SweepPlan(payment_ids=[more.id])

    async def _plan_coins(
        self, connection: AsyncConnection, run: PlanSweep, hot: Row[Any], market: int
    ) -> NewPayment | None:
        """Joins small outputs of the hot wallet when it has too many, splits when too few."""
        spare = await self._spendable(connection)
        cost = fee_satoshi(_INPUT_VBYTES, market)
        if len(spare) > _HOT_COINS_MAX:
            small = coins_of([utxo for utxo in spare[-_JOINED_AT_ONCE:] if utxo.satoshi > cost])
            return _gather(run, small, hot.address, market, PaymentKind.CONSOLIDATION)
        missing = FREE_COINS_ENOUGH - len(spare)
        piece = sum(utxo.satoshi for utxo in spare) // (2 * FREE_COINS_ENOUGH)
        if missing <= 0 or piece < _PIECE_COSTS * cost:
            return None
        output = Output(piece, bytes(hot.script))
        wanted = selection.Payment((output,) * missing, market, bytes(hot.script))
        chosen = selection.select(spare, wanted, self._randomness)
        return _selected(
            run,
            PaymentKind.CONSOLIDATION,
            hot,
            [Payee(hot.address, piece)] * missing,
            chosen,
            market,
        )

    async def plan_store(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        kind: PaymentKind,
        units: int,
        market: int,
    ) -> list[str]:
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        store = await payments.lock_wallet(connection, f"{kind}-{self.name}")
        wanted = selection.Payment((Output(units, bytes(store.script)),), market, bytes(hot.script))
        chosen = selection.select(await self._spendable(connection), wanted, self._randomness)
        payment = _selected(run, kind, hot, [Payee(store.address, units)], chosen, market)
        await payments.create(connection, payment)
        return [payment.id]

    async def unsigned_refill(
        self, connection: AsyncConnection, asset: AssetPolicy, ends: Ends, units: int, market: int
    ) -> str:
        """A PSBT from the wallet's coins: as much of the amount as they can pay."""
        del connection, asset
        script = parse_address(ends.source, self._node.network).locking_script
        target = parse_address(ends.target, self._node.network).locking_script
        found = await self._node.call("scantxoutset", "start", [f"addr({ends.source})"])
        coins = [
            Utxo(
                Outpoint(TxId(each["txid"]), each["vout"]),
                satoshi(each["amount"]),
                psbt.NO_KEY,
            )
            for each in found["unspents"]
        ]
        total = sum(coin.satoshi for coin in coins)
        most = total - fee_satoshi(transaction_vsize(len(coins), [22, 22]), market)
        if min(units, most) <= 0:
            return ""
        wanted = selection.Payment((Output(min(units, most), target),), market, script)
        chosen = selection.select(coins, wanted, random.SystemRandom())
        return psbt.export(chosen, spent_script=script)

    def unsigned_txid(self, unsigned: str) -> str | None:
        return psbt.unsigned_txid(unsigned)

    async def paid_refill(self, txid: str, asset: AssetPolicy, ends: Ends) -> PaidRefill | None:
        del asset
        mined = await self._node.raw_transaction(TxId(txid))
        if mined is None or mined.get("confirmations", 0) < 1:
            return None
        block_hash = mined["blockhash"]
        detailed = await self._node.call("getrawtransaction", txid, 2, block_hash)
        payers = {each["prevout"]["scriptPubKey"].get("address") for each in detailed["vin"]}
        if payers != {ends.source}:
            raise RefillMismatch(f"{txid} is not paid by the {ends.way.source} wallet alone")
        outputs = [
            (each["scriptPubKey"].get("address"), satoshi(each["value"]))
            for each in detailed["vout"]
        ]
        if any(address not in (ends.source, ends.target) for address, _ in outputs):
            raise RefillMismatch(f"{txid} pays others, too")
        units = sum(value for address, value in outputs if address == ends.target)
        if not units:
            raise RefillMismatch(f"{txid} brings the {ends.way.target} wallet nothing")
        header = await self._node.call("getblockheader", block_hash)
        fee = satoshi(detailed["fee"])
        return PaidRefill(TxId(txid), header["height"], block_hash, units, fee)


def _gather(
    run: PlanSweep, coins: list[Coin], to: str, fee_rate: int, kind: PaymentKind
) -> NewPayment:
    """Many inputs, one output: all they hold, less the fee."""
    fee = fee_satoshi(transaction_vsize(len(coins), [_OUTPUT_SCRIPT_BYTES]), fee_rate)
    units = sum(coin.units for coin in coins) - fee
    payment_id = f"{run.run_id}-{kind}"
    return NewPayment(
        id=payment_id,
        chain="bitcoin",
        kind=kind,
        asset="BTC",
        from_address=to,
        wallet_id=HOT_WALLET if kind is PaymentKind.CONSOLIDATION else None,
        workflow_id=f"payment/{payment_id}",
        payees=[Payee(to, units)],
        inputs=coins,
        plan=AttemptPlan(
            fee_rate=fee_rate,
            fee_units_max=fee,
            reason="first",
            input_count=len(coins),
            change_units=None,
        ),
    )


def _selected(
    run: PlanSweep,
    kind: PaymentKind,
    hot: Row[Any],
    payees: list[Payee],
    chosen: UnsignedTransaction,
    market: int,
) -> NewPayment:
    """What the hot wallet pays with these inputs; an output more than payees is its change."""
    has_change = len(chosen.outputs) > len(payees)
    return NewPayment(
        id=f"{run.run_id}-{kind}",
        chain="bitcoin",
        kind=kind,
        asset="BTC",
        from_address=hot.address,
        wallet_id=hot.id,
        workflow_id=f"payment/{run.run_id}-{kind}",
        payees=payees,
        inputs=coins_of(chosen.inputs),
        plan=AttemptPlan(
            fee_rate=market,
            fee_units_max=chosen.fee_satoshi,
            reason="first",
            input_count=len(chosen.inputs),
            change_units=chosen.outputs[-1].satoshi if has_change else None,
        ),
    )
