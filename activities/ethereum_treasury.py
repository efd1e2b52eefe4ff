"""Ethereum's sweeps: a payment for each address that holds ether, one for many that hold a token.

Where addresses cannot delegate, a token cannot move without ether on its own address: the hot
wallet sends some first, and the sweep is planned when that is final, never after a blind wait.
"""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ethereum_payments import HOT_WALLET, EthereumPayments, GasMarket
from activities.token_sweeps import TokenSweeps
from activities.treasury import PlanSweep, RefillMismatch, SweepPlan
from chains.ethereum.erc20 import read_transfer_log, transfer_call
from chains.ethereum.fees import TRANSFER_GAS, GasFees
from chains.ethereum.node import quantity
from chains.ethereum.transaction import pay_ether, pay_token
from chains.node import NodeRefusal
from domain.ids import TxId
from domain.payment import PaymentKind
from storage import custody_policy, payments, sweeps, treasury
from storage.custody_policy import AssetPolicy, ChainPolicy
from storage.payments import AttemptPlan, NewPayment, Payee
from storage.refills import Ends, PaidRefill
from storage.sweeps import Swept

_ADDRESSES_AT_ONCE = 50
_TOKEN_GAS = 100_000
"""For planning the gas of a token sweep before it can be estimated."""
_GAS_HEADROOM_PERCENT = 150
"""The fee may rise until the gas has arrived."""
_ESTIMATE_HEADROOM_PERCENT = 130
_REPLACEMENTS_ROOM_PERCENT = 225
"""Of the first fee stays behind, for six replacements at 12.5 % more each; the next sweep takes it.
"""


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
        plan.has_more = len(found) == _ADDRESSES_AT_ONCE
        free = [
            each for each in found if not await sweeps.is_busy(connection, self.name, each.address)
        ]
        if asset.contract is not None:
            free = await self._gather(connection, run, asset, free, hot, market.fees, plan)
        for each in free:
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

    async def _gather(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        asset: AssetPolicy,
        free: list[Swept],
        hot: Row[Any],
        fees: GasFees,
        plan: SweepPlan,
    ) -> list[Swept]:
        """Put one transaction for all that may delegate into the plan; answers the others."""
        policy = await custody_policy.read_chain(connection, self.name)
        if not policy.delegate_sweeps:
            return free
        payment = await TokenSweeps(self._node, self._can_pay).plan(
            connection, run.run_id, asset, free, hot, fees
        )
        if payment is None:
            return free
        await payments.create(connection, payment)
        gathered = {source.address for source in payment.sources}
        for address in gathered:
            await sweeps.assign_address(connection, asset.asset, address, payment.id)
        plan.payment_ids.append(payment.id)
        return [each for each in free if each.address not in gathered]

    async def _can_pay(self, connection: AsyncConnection, wei: int) -> bool:
        """The hot wallet has so much ether beyond what open payments may take."""
        free = await treasury.hot_units(connection, self.fee_asset)
        free -= await payments.in_flight_units(connection, HOT_WALLET, self.fee_asset)
        free -= await payments.in_flight_fees(connection, HOT_WALLET)
        return free >= wei

    async def plan_store(
        self,
        connection: AsyncConnection,
        run: PlanSweep,
        kind: PaymentKind,
        units: int,
        market: GasMarket,
    ) -> list[str]:
        if market.fees is None:
            return []
        hot = await payments.lock_wallet(connection, HOT_WALLET)
        store = await payments.lock_wallet(connection, f"{kind}-{self.name}")
        token = run.asset != self.fee_asset
        gas_limit = _TOKEN_GAS if token else TRANSFER_GAS
        payment_id = f"{run.run_id}-{kind}"
        payment = NewPayment(
            id=payment_id,
            chain=self.name,
            kind=kind,
            asset=run.asset,
            from_address=hot.address,
            wallet_id=hot.id,
            workflow_id=f"payment/{payment_id}",
            payees=[Payee(store.address, units)],
            nonce=await payments.take_nonce(connection, hot),
            plan=_plan(gas_limit, market.fees),
        )
        await payments.create(connection, payment)
        return [payment_id]

    async def unsigned_refill(
        self,
        connection: AsyncConnection,
        asset: AssetPolicy,
        ends: Ends,
        units: int,
        market: GasMarket,
    ) -> str:
        """The bytes that the offline key signs (EIP-1559), in hexadecimal."""
        del connection
        if market.fees is None:
            return ""
        nonce = await self._node.transaction_count(ends.source)
        if asset.contract is None:
            have = await self._node.balance(ends.source)
            units = min(units, have - TRANSFER_GAS * market.fees.max_fee_wei)
        else:
            contract = to_checksum_address(asset.contract)
            units = min(units, await self._node.token_balance(contract, ends.source))
        if units <= 0:
            return ""
        common: dict[str, Any] = {
            "chain_id": self._node.chain_id,
            "nonce": nonce,
            "to": ends.target,
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

    async def paid_refill(self, txid: str, asset: AssetPolicy, ends: Ends) -> PaidRefill | None:
        transaction = await self._node.transaction(TxId(txid))
        receipt = await self._node.receipt(TxId(txid))
        if transaction is None or receipt is None:
            return None
        if to_checksum_address(transaction["from"]) != ends.source:
            raise RefillMismatch(f"{txid} is not paid by the {ends.way.source} wallet")
        units = 0
        if quantity(receipt["status"]) == 1:
            units = _received(transaction, receipt, asset, ends)
        if not units:
            raise RefillMismatch(f"{txid} brings the {ends.way.target} wallet nothing")
        fee = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
        height = quantity(receipt["blockNumber"])
        return PaidRefill(TxId(txid), height, receipt["blockHash"], units, fee)

    async def _sweep_ether(
        self, connection: AsyncConnection, run: PlanSweep, found: Swept, hot: str, fees: GasFees
    ) -> NewPayment | None:
        room = TRANSFER_GAS * fees.max_fee_wei * _REPLACEMENTS_ROOM_PERCENT // 100
        have = min(found.units, await self._node.balance(found.address))
        if have <= 2 * room:
            return None
        return await self._payment(
            connection,
            run,
            PaymentKind.SWEEP,
            found.address,
            Payee(hot, have - room),
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
        gas = TRANSFER_GAS
        if await self._node.has_code(address):  # It delegates: taking ether runs its code.
            call = {"from": hot.address, "to": address, "value": hex(wei)}
            gas = await self._node.estimate_gas(call) * _ESTIMATE_HEADROOM_PERCENT // 100
        if not await self._can_pay(connection, wei + gas * fees.max_fee_wei):
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
            plan=_plan(gas, fees),
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


def _received(transaction: Any, receipt: Any, asset: AssetPolicy, ends: Ends) -> int:
    """What a successful transaction moved from the one wallet to the other."""
    if asset.contract is None:
        to = transaction.get("to")
        return (
            quantity(transaction["value"]) if to and to_checksum_address(to) == ends.target else 0
        )
    moved = [
        read_transfer_log({**log, "logIndex": quantity(log["logIndex"])})
        for log in receipt["logs"]
        if log["address"].lower() == asset.contract.lower()
    ]
    ours = [
        each
        for each in moved
        if each and (each.sender, each.recipient) == (ends.source, ends.target)
    ]
    return sum(each.units for each in ours)


def _plan(gas_limit: int, fees: GasFees) -> AttemptPlan:
    return AttemptPlan(
        fee_rate=fees.max_fee_wei,
        tip_rate=fees.tip_wei,
        gas_limit=gas_limit,
        fee_units_max=gas_limit * fees.max_fee_wei,
        reason="first",
    )
