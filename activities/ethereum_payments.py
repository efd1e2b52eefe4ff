"""Paying on Ethereum: one nonce for each payment, given out under the hot wallet's row lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payment_repairs import Conflict
from activities.payments import Bump, FeeCapReached, NotPayableNow
from chains.ethereum.erc20 import read_transfer_log, transfer_call
from chains.ethereum.fees import TRANSFER_GAS, FeeCeilingReached, GasFees, GasPolicy
from chains.ethereum.node import EthereumNode, quantity
from chains.node import Broadcast, NodeRefusal
from domain.ids import TxId
from domain.payment import PaymentKind
from storage import custody_policy, payments, treasury
from storage.custody_policy import AssetPolicy, ChainPolicy
from storage.payment_progress import Mined
from storage.payments import AttemptPlan, Coin, NewPayment, Payee

HOT_WALLET = "hot-ethereum"
_GAS_HEADROOM_PERCENT = 130
"""Contracts may need a little more than the estimate when their state changes meanwhile."""


@dataclass(frozen=True, slots=True)
class GasMarket:
    fees: GasFees | None
    """None in a fee spike: the network wants more than our policy allows."""


class EthereumPayments:
    name = "ethereum"
    fee_asset = "ETH"

    def __init__(self, node: EthereumNode) -> None:
        self._node = node

    async def market(self, policy: ChainPolicy) -> GasMarket:
        try:
            return GasMarket(await self._node.fees(_gas_policy(policy)))
        except FeeCeilingReached:
            return GasMarket(None)

    async def reserve(
        self, connection: AsyncConnection, row: Row[Any], policy: ChainPolicy, market: GasMarket
    ) -> None:
        del policy
        if market.fees is None:
            raise NotPayableNow("network fees are above our limit")
        asset = await custody_policy.read_asset(connection, row.asset)
        wallet = await payments.lock_wallet(connection, HOT_WALLET)
        # Only now, under the lock: whoever asked before us for the same row is done with it.
        waiting = await payments.approved_one(connection, row.id)
        if waiting is None:
            return
        units = int(waiting.units)
        await self._check_funds(connection, asset, units, fee_units=0)
        gas_limit = await self._gas_limit(wallet.address, asset, waiting.address, units)
        fee_units_max = gas_limit * market.fees.max_fee_wei
        await self._check_funds(connection, asset, units, fee_units=fee_units_max)
        payment_id = f"withdrawal-{row.id}"
        await payments.create(
            connection,
            NewPayment(
                id=payment_id,
                chain=self.name,
                kind=PaymentKind.WITHDRAWAL,
                asset=asset.asset,
                from_address=wallet.address,
                wallet_id=wallet.id,
                workflow_id=f"withdrawal/{row.id}",
                payees=[Payee(waiting.address, units, row.id)],
                nonce=await payments.take_nonce(connection, wallet),
                plan=AttemptPlan(
                    fee_rate=market.fees.max_fee_wei,
                    tip_rate=market.fees.tip_wei,
                    gas_limit=gas_limit,
                    fee_units_max=fee_units_max,
                    reason="first",
                ),
            ),
        )
        await payments.assign(connection, waiting, payment_id)

    async def bump(
        self,
        connection: AsyncConnection,
        payment: Row[Any],
        policy: ChainPolicy,
        market: GasMarket,
    ) -> Bump:
        newest = (await payments.attempts(connection, payment.id))[-1]
        old = GasFees(int(newest.fee_rate), int(newest.tip_rate))
        try:
            fees = _gas_policy(policy).bumped(old, market.fees)
            if payment.wallet_id is None:
                fees = await self._affordable(payment, newest.gas_limit, old, fees, policy)
        except FeeCeilingReached as cap:
            raise FeeCapReached(str(cap)) from None
        return Bump(
            AttemptPlan(
                fee_rate=fees.max_fee_wei,
                tip_rate=fees.tip_wei,
                gas_limit=newest.gas_limit,
                fee_units_max=newest.gas_limit * fees.max_fee_wei,
                reason="bump",
            )
        )

    async def _affordable(
        self, payment: Row[Any], gas_limit: int, old: GasFees, wanted: GasFees, policy: ChainPolicy
    ) -> GasFees:
        """What a deposit address can pay for its sweep: nobody sends it more. Raises FeeCapReached.

        The amount stays: it left room for replacements (`EthereumTreasury`).
        """
        have = await self._node.balance(payment.from_address)
        left = have - (int(payment.units) if payment.asset == self.fee_asset else 0)
        least = _gas_policy(policy).bumped(old)
        for fees in (wanted, least):
            if gas_limit * fees.max_fee_wei <= left:
                return fees
        raise FeeCapReached(f"{payment.from_address} has {left} wei for fees, which is not enough")

    async def broadcast(self, raw: bytes, txid: str) -> Broadcast:
        return await self._node.broadcast(raw, TxId(txid))

    async def sources(self, txid: str) -> list[str]:
        """The sender, and whose tokens moved: a contract may have paid for somebody else."""
        transaction = await self._node.transaction(TxId(txid))
        receipt = await self._node.receipt(TxId(txid))
        found: set[str] = {to_checksum_address(transaction["from"])} if transaction else set()
        for log in receipt["logs"] if receipt else []:
            moved = read_transfer_log({**log, "logIndex": quantity(log["logIndex"])})
            if moved is not None:
                found.add(moved.sender)
        return sorted(found)

    async def locate(self, txid: str, attempt: int, fee_units_max: int) -> Mined | bool:
        receipt = await self._node.receipt(TxId(txid))
        if receipt is None:
            return await self._node.transaction(TxId(txid)) is not None
        fee_units = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
        assert fee_units <= fee_units_max, "the network took more than we signed for"
        return Mined(
            attempt,
            txid,
            quantity(receipt["blockNumber"]),
            receipt["blockHash"],
            fee_units,
            succeeded=quantity(receipt["status"]) == 1,
        )

    async def conflict(
        self, txid: str, payment: Row[Any], inputs: Sequence[Coin]
    ) -> Conflict | None:
        del inputs
        transaction = await self._node.transaction(TxId(txid))
        receipt = await self._node.receipt(TxId(txid))
        if transaction is None or receipt is None:
            return None
        sender = to_checksum_address(transaction["from"])
        if (sender, quantity(transaction["nonce"])) != (payment.from_address, payment.nonce):
            return None
        return Conflict(quantity(receipt["blockNumber"]), receipt["blockHash"])

    async def _check_funds(
        self, connection: AsyncConnection, asset: AssetPolicy, units: int, *, fee_units: int
    ) -> None:
        """The books, less what open payments may take, must cover the amount and the gas."""
        reserved = await payments.in_flight_units(connection, HOT_WALLET, asset.asset)
        fees = await payments.in_flight_fees(connection, HOT_WALLET) + fee_units
        needed = {asset.asset: units + reserved, self.fee_asset: 0}
        needed[self.fee_asset] += fees
        if asset.asset != self.fee_asset:
            needed[self.fee_asset] += await payments.in_flight_units(
                connection, HOT_WALLET, self.fee_asset
            )
        for code, need in needed.items():
            have = await treasury.hot_units(connection, code)
            if have < need:
                raise NotPayableNow(
                    f"waits for hot funds: needs {need} units of {code}, there are {have}"
                )

    async def _gas_limit(self, sender: str, asset: AssetPolicy, address: str, units: int) -> int:
        if asset.contract is None and not await self._node.has_code(address):
            return TRANSFER_GAS
        call = {"from": sender, "to": address, "value": hex(units)}
        if asset.contract is not None:
            contract = to_checksum_address(asset.contract)
            call = {
                "from": sender,
                "to": contract,
                "data": "0x" + transfer_call(address, units).hex(),
            }
        try:
            estimate = await self._node.estimate_gas(call)
        except NodeRefusal as refusal:
            raise NotPayableNow(f"the payee's contract would refuse it: {refusal}") from None
        return max(TRANSFER_GAS, estimate * _GAS_HEADROOM_PERCENT // 100)


def _gas_policy(policy: ChainPolicy) -> GasPolicy:
    return GasPolicy(
        floor_wei=policy.fee_rate_floor,
        ceiling_wei=policy.fee_rate_cap,
        tip_ceiling_wei=policy.fee_rate_cap // 10,
    )
