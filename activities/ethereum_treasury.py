"""Ethereum's sweeps: one payment for each address that holds enough; tokens wait for their gas.

A token cannot move without ether on its own address, so the hot wallet sends some first, and the
sweep is planned only when that is final: never after a blind wait.
"""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ethereum_payments import HOT_WALLET, EthereumPayments, GasMarket
from activities.treasury import PlanSweep, RefillMismatch, SweepPlan
from chains.ethereum.erc20 import read_transfer_log, transfer_call
from chains.ethereum.fees import TRANSFER_GAS, GasFees
from chains.ethereum.node import quantity
from chains.ethereum.transaction import pay_ether, pay_token
from chains.node import NodeRefusal
from domain.ids import TxId
from domain.payment import PaymentKind
from storage import payments, sweeps, treasury
from storage.custody_policy import AssetPolicy, ChainPolicy
from storage.payments import AttemptPlan, NewPayment, Payee
from storage.refills import PaidRefill
from storage.sweeps import Swept

COLD_WALLET = "cold-ethereum"
_ADDRESSES_AT_ONCE = 20
_TOKEN_GAS = 100_000
"""For planning the gas of a token sweep before it can be estimated."""
_GAS_HEADROOM_PERCENT = 150
"""The fee may rise until the gas has arrived."""
_ESTIMATE_HEADROOM_PERCENT = 130


class EthereumTreasury(EthereumPayments):
    def is_too_dear(self, policy: ChainPolicy, market: GasMarket) -> bool:
        return market.fees is None or market.fees.max_fee_wei > policy.sweep_fee_rate_cap

    async def plan_sweep(
        self, connection: AsyncConnection, run: PlanSweep, asset: AssetPolicy, market: GasMarket
    ) -> SweepPlan:
        assert market.fees is not None
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        found = await sweeps.balances(
            connection, asset.asset, units_min=asset.sweep_min_units, limit=_ADDRESSES_AT_ONCE
        )
        plan = SweepPlan(payment_ids=[], why_not="" if found else "below the threshold")
        for each in found:
            if await sweeps.is_busy(connection, self.name, each.address):
                continue
            payment = (
                await self._sweep_ether(connection, run, each, hot.address, market.fees)
                if asset.contract is None
                else await self._sweep_token(connection, run, asset, each, hot, market.fees)
            )
            if payment is None:
                continue
            await payments.create(connection, payment)
            if payment.kind is PaymentKind.SWEEP:
                await sweeps.assign_address(connection, asset.asset, each.address, payment.id)
            plan.has_more = plan.has_more or payment.kind is PaymentKind.GAS
            plan.payment_ids.append(payment.id)
        return plan

    async def plan_cold(
        self, connection: AsyncConnection, run: PlanSweep, units: int, market: GasMarket
    ) -> list[str]:
        if market.fees is None:
            return []
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        cold = await payments.lock_wallet(connection, COLD_WALLET)
        token = run.asset != self.fee_asset
        gas_limit = _TOKEN_GAS if token else TRANSFER_GAS
        payment_id = f"{run.run_id}-cold"
        payment = NewPayment(
            id=payment_id,
            chain=self.name,
            kind=PaymentKind.COLD,
            asset=run.asset,
            from_address=hot.address,
            wallet_id=hot.id,
            workflow_id=f"payment/{payment_id}",
            payees=[Payee(cold.address, units)],
            nonce=await payments.take_nonce(connection, hot),
            plan=_plan(gas_limit, market.fees),
        )
        await payments.create(connection, payment)
        return [payment_id]

    async def unsigned_refill(
        self, connection: AsyncConnection, asset: AssetPolicy, units: int, market: GasMarket
    ) -> str:
        """The bytes that the offline key signs (EIP-1559), in hexadecimal."""
        if market.fees is None:
            return ""
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        cold = await payments.lock_wallet(connection, COLD_WALLET)
        nonce = await self._node.transaction_count(cold.address)
        if asset.contract is None:
            have = await self._node.balance(cold.address)
            units = min(units, have - TRANSFER_GAS * market.fees.max_fee_wei)
        else:
            contract = to_checksum_address(asset.contract)
            units = min(units, await self._node.token_balance(contract, cold.address))
        if units <= 0:
            return ""
        common: dict[str, Any] = {
            "chain_id": self._node.chain_id,
            "nonce": nonce,
            "to": hot.address,
            "fees": market.fees,
        }
        if asset.contract is None:
            return pay_ether(**common, wei=units, gas_limit=TRANSFER_GAS).unsigned_hex()
        contract = to_checksum_address(asset.contract)
        return pay_token(
            **common, contract=contract, units=units, gas_limit=_TOKEN_GAS
        ).unsigned_hex()

    def unsigned_txid(self, unsigned: str) -> str | None:
        """None: an Ethereum transaction's id depends on its signature."""
        del unsigned
        return None

    async def paid_refill(
        self, txid: str, asset: AssetPolicy, *, cold: str, hot: str
    ) -> PaidRefill | None:
        transaction = await self._node.transaction(TxId(txid))
        receipt = await self._node.receipt(TxId(txid))
        if transaction is None or receipt is None:
            return None
        if to_checksum_address(transaction["from"]) != cold:
            raise RefillMismatch(f"{txid} is not paid by the cold wallet")
        units = 0
        if quantity(receipt["status"]) == 1:
            units = _received(transaction, receipt, asset, cold=cold, hot=hot)
        if not units:
            raise RefillMismatch(f"{txid} brings the hot wallet nothing")
        fee = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
        height = quantity(receipt["blockNumber"])
        return PaidRefill(TxId(txid), height, receipt["blockHash"], units, fee)

    async def _sweep_ether(
        self, connection: AsyncConnection, run: PlanSweep, found: Swept, hot: str, fees: GasFees
    ) -> NewPayment | None:
        fee = TRANSFER_GAS * fees.max_fee_wei
        have = min(found.units, await self._node.balance(found.address))
        if have <= 2 * fee:
            return None
        return await self._payment(
            connection,
            run,
            PaymentKind.SWEEP,
            found.address,
            Payee(hot, have - fee),
            _plan(TRANSFER_GAS, fees),
        )

    async def _sweep_token(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        asset: AssetPolicy,
        found: Swept,
        hot: Row[Any],
        fees: GasFees,
    ) -> NewPayment | None:
        assert asset.contract is not None
        contract = to_checksum_address(asset.contract)
        units = min(found.units, await self._node.token_balance(contract, found.address))
        needed = _TOKEN_GAS * fees.max_fee_wei
        have = await self._node.balance(found.address)
        if have < needed:
            return await self._send_gas(connection, run, found.address, needed - have, hot, fees)
        call = {
            "from": found.address,
            "to": contract,
            "data": "0x" + transfer_call(hot.address, units).hex(),
        }
        try:
            estimate = await self._node.estimate_gas(call)
        except NodeRefusal:
            return None  # The token does not move now: paused, or this address is blocked.
        gas_limit = min(_TOKEN_GAS, estimate * _ESTIMATE_HEADROOM_PERCENT // 100)
        return await self._payment(
            connection,
            run,
            PaymentKind.SWEEP,
            found.address,
            Payee(hot.address, units),
            _plan(gas_limit, fees),
        )

    async def _send_gas(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        address: str,
        wei: int,
        hot: Row[Any],
        fees: GasFees,
    ) -> NewPayment | None:
        wei = wei * _GAS_HEADROOM_PERCENT // 100
        free = await treasury.hot_units(connection, self.fee_asset)
        free -= await payments.in_flight_units(connection, HOT_WALLET, self.fee_asset)
        free -= await payments.in_flight_fees(connection, HOT_WALLET)
        if free < wei + TRANSFER_GAS * fees.max_fee_wei:
            return None
        payment_id = f"{run.run_id}-gas-{address}"
        wallet = await payments.lock_wallet(connection, HOT_WALLET)
        return NewPayment(
            id=payment_id,
            chain=self.name,
            kind=PaymentKind.GAS,
            asset=self.fee_asset,
            from_address=hot.address,
            wallet_id=HOT_WALLET,
            workflow_id=f"payment/{payment_id}",
            payees=[Payee(address, wei)],
            nonce=await payments.take_nonce(connection, wallet),
            plan=_plan(TRANSFER_GAS, fees),
        )

    async def _payment(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        kind: PaymentKind,
        source: str,
        payee: Payee,
        plan: AttemptPlan,
    ) -> NewPayment:
        payment_id = f"{run.run_id}-{kind}-{source}"
        return NewPayment(
            id=payment_id,
            chain=self.name,
            kind=kind,
            asset=run.asset,
            from_address=source,
            wallet_id=None,
            workflow_id=f"payment/{payment_id}",
            payees=[payee],
            nonce=await sweeps.take_nonce(connection, self.name, source),
            plan=plan,
        )


def _received(transaction: Any, receipt: Any, asset: AssetPolicy, *, cold: str, hot: str) -> int:
    """What a successful transaction moved from the cold to the hot wallet."""
    if asset.contract is None:
        to = transaction.get("to")
        return quantity(transaction["value"]) if to and to_checksum_address(to) == hot else 0
    moved = [
        read_transfer_log({**log, "logIndex": quantity(log["logIndex"])})
        for log in receipt["logs"]
        if log["address"].lower() == asset.contract.lower()
    ]
    ours = [each for each in moved if each and (each.sender, each.recipient) == (cold, hot)]
    return sum(each.units for each in ours)


def _plan(gas_limit: int, fees: GasFees) -> AttemptPlan:
    return AttemptPlan(
        fee_rate=fees.max_fee_wei,
        tip_rate=fees.tip_wei,
        gas_limit=gas_limit,
        fee_units_max=gas_limit * fees.max_fee_wei,
        reason="first",
    )
