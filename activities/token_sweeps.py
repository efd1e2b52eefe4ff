"""Tokens of many deposit addresses in one transaction, by delegation (EIP-7702, ADR 0007).

Each address signs once that the one contract may act for it; from then on the hot wallet asks that
contract to gather. What cannot go this way is left to gas funding.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from chains.ethereum.erc20 import transfer_call
from chains.ethereum.fees import TRANSFER_GAS, GasFees
from chains.ethereum.node import EthereumNode
from chains.ethereum.sweeper import (
    AUTHORIZATION_GAS,
    delegation_of,
    sweep_all_call,
    sweeper_address,
)
from chains.node import NodeRefusal
from domain.payment import PaymentKind
from storage import payments, sweeps
from storage.custody_policy import AssetPolicy
from storage.payments import AttemptPlan, NewPayment, Payee, Source
from storage.sweeps import Swept

_CALLDATA_GAS = 40
"""For each byte at most (EIP-7623)."""
_HEADROOM_PERCENT = 130
"""Token contracts may need a little more than the estimate when their state changes meanwhile."""


CanPay = Callable[[AsyncConnection, int], Awaitable[bool]]
"""Whether the hot wallet can spare so many wei."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """An address that may be gathered from, and the gas that it adds."""

    swept: Swept
    delegates: bool
    """Already; else its authorization goes along."""
    gas: int


class TokenSweeps:
    """Plans one gathering payment; the caller creates it."""

    def __init__(self, node: EthereumNode, can_pay: CanPay) -> None:
        self._node = node
        self._can_pay = can_pay

    async def plan(
        self,
        connection: AsyncConnection,
        run_id: str,
        asset: AssetPolicy,
        found: Sequence[Swept],
        hot: Row[Any],
        fees: GasFees,
    ) -> NewPayment | None:
        """A payment that gathers from those of `found` that may delegate; None: from nobody."""
        if not await self._node.has_code(sweeper_address(hot.address)):
            return None
        looked = [await self._look(connection, asset, each, hot.address) for each in found]
        gathered = [each for each in looked if each is not None]
        if not gathered:
            return None
        call = _call(asset, [each.swept for each in gathered])
        gas = TRANSFER_GAS + sum(each.gas for each in gathered) + _CALLDATA_GAS * len(call)
        plan = _plan(gas, fees)
        if not await self._can_pay(connection, plan.fee_units_max):
            return None  # Before any nonce is taken: one taken and not used blocks all later ones.
        sources = [await self._source(connection, each) for each in gathered]
        return await self._payment(connection, run_id, asset, sources, hot, plan)

    async def _look(
        self, connection: AsyncConnection, asset: AssetPolicy, swept: Swept, hot: str
    ) -> Gathered | None:
        """None: its tokens do not move now, or it may not delegate.

        A delegated address runs code when ether comes, and payers of 21,000 gas do not pay for
        that. So an address that took ether never delegates, nor does one with other code.
        """
        estimate = await self._transfer_gas(asset, swept, hot)
        if estimate is None:
            return None
        gas = estimate * _HEADROOM_PERCENT // 100
        code = await self._node.code(swept.address)
        if delegation_of(code) == sweeper_address(hot):
            return Gathered(swept, delegates=True, gas=gas)
        if code not in ("0x", "") or await sweeps.took(
            connection, "ethereum", swept.address, "ETH"
        ):
            return None
        return Gathered(swept, delegates=False, gas=gas + AUTHORIZATION_GAS)

    async def _transfer_gas(self, asset: AssetPolicy, swept: Swept, to: str) -> int | None:
        """None: the token does not move now; it is paused, or this address is blocked."""
        contract = _contract(asset)
        if await self._node.token_balance(contract, swept.address) < swept.units:
            return None
        call = {
            "from": swept.address,
            "to": contract,
            "data": "0x" + transfer_call(to, swept.units).hex(),
        }
        try:
            return await self._node.estimate_gas(call)
        except NodeRefusal:
            return None

    async def _source(self, connection: AsyncConnection, each: Gathered) -> Source:
        address, nonce = each.swept.address, None
        if not each.delegates:
            nonce = await sweeps.take_nonce(connection, "ethereum", address)
        return Source(address, each.swept.units, nonce)

    async def _payment(
        self,
        connection: AsyncConnection,
        run_id: str,
        asset: AssetPolicy,
        sources: Sequence[Source],
        hot: Row[Any],
        plan: AttemptPlan,
    ) -> NewPayment:
        payment_id = f"{run_id}-{PaymentKind.BATCH_SWEEP}"
        wallet = await payments.lock_wallet(connection, hot.id)
        return NewPayment(
            id=payment_id,
            chain="ethereum",
            kind=PaymentKind.BATCH_SWEEP,
            asset=asset.asset,
            from_address=hot.address,
            wallet_id=hot.id,
            workflow_id=f"payment/{payment_id}",
            payees=[Payee(hot.address, sum(each.units for each in sources))],
            nonce=await payments.take_nonce(connection, wallet),
            plan=plan,
            sources=sources,
        )


def _contract(asset: AssetPolicy) -> str:
    assert asset.contract is not None
    return str(to_checksum_address(asset.contract))


def _call(asset: AssetPolicy, found: Sequence[Swept]) -> bytes:
    owners = [each.address for each in found]
    return sweep_all_call(_contract(asset), owners, [each.units for each in found])


def _plan(gas_limit: int, fees: GasFees) -> AttemptPlan:
    return AttemptPlan(
        fee_rate=fees.max_fee_wei,
        tip_rate=fees.tip_wei,
        gas_limit=gas_limit,
        fee_units_max=gas_limit * fees.max_fee_wei,
        reason="first",
    )
