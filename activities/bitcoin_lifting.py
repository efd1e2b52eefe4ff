"""Stuck incoming payments: a child that pays for its parent pulls a deposit into a block.

The child spends our output of the parent to the hot wallet, so it is a sweep that comes early. The
house pays for it, within bounds, and only for coins that screening found clear.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.treasury import PlanSweep
from chains.bitcoin.child_pays import StuckParent, child_for
from chains.bitcoin.fees import FeeCeilingReached, FeePolicy, satoshi
from chains.bitcoin.node import BitcoinNode
from chains.bitcoin.transaction import Outpoint, UnsignedTransaction, Utxo
from domain.ids import TxId
from domain.payment import PaymentKind
from storage import blocks, lifting, payments, sweeps, withdrawal_release
from storage.blocks import OwnOutput
from storage.lifting import StuckDeposit
from storage.payments import AttemptPlan, Coin, NewPayment, Payee

_COST_DIVISOR = 100
"""A child may cost one per cent of what it brings: whoever pays nothing must not gain by us."""
_ANCESTORS_MAX = 5
"""A longer chain of strangers' transactions would cost more and may be replaced at any link."""
_NO_KEY = b"\x02" + bytes(32)
"""The signer finds the key by the address; only sizes are reckoned here."""


async def lift(
    connection: AsyncConnection,
    node: BitcoinNode,
    run: PlanSweep,
    hot: Row[Any],
    *,
    fee_rate: int,
    policy: FeePolicy,
    stuck_after_seconds: int,
) -> list[str]:
    """Plan a child for each stuck deposit that is worth it; answers the payments' ids."""
    planned = []
    for found in await lifting.stuck(connection, older_than_seconds=stuck_after_seconds):
        child = await _child(node, found, bytes(hot.script), fee_rate, policy)
        if child is None:
            continue
        payment = _payment(run, found, hot.address, child, fee_rate)
        await blocks.record_unconfirmed(
            connection,
            OwnOutput(TxId(found.txid), found.vout, found.address, found.script, found.units, None),
        )
        await payments.create(connection, payment)
        await sweeps.assign_outputs(connection, payment.id)
        planned.append(payment.id)
    return planned


async def give_up_orphans(connection: AsyncConnection, node: BitcoinNode) -> None:
    """Close children whose parent was replaced: what they spend will never exist.

    Nothing is given back to anybody here. Should the parent be mined after all, its deposit and
    its coin come back by themselves, and are swept as any other.
    """
    for orphan in await lifting.orphans(connection):
        if await node.raw_transaction(TxId(orphan.parent_txid)) is None:
            await payments.lock(connection, orphan.payment_id)
            why = "the payer replaced the transaction that it would have lifted"
            await withdrawal_release.give_up(connection, orphan.payment_id, why)
            await lifting.release_deposits(connection, orphan.payment_id)


async def _child(
    node: BitcoinNode, found: StuckDeposit, to_script: bytes, fee_rate: int, policy: FeePolicy
) -> UnsignedTransaction | None:
    entry = await node.mempool_entry(TxId(found.txid))
    if entry is None or entry["ancestorcount"] > _ANCESTORS_MAX:
        return None
    paid = satoshi(entry["fees"]["ancestor"])
    if paid * 1000 >= fee_rate * entry["ancestorsize"]:
        return None  # It pays enough; blocks are slow.
    if await node.unspent(TxId(found.txid), found.vout) is None:
        return None
    output = Utxo(Outpoint(TxId(found.txid), found.vout), found.units, _NO_KEY)
    parent = StuckParent(entry["ancestorsize"], paid, output)
    try:
        child = child_for(parent, to_script, fee_rate, policy)
    except FeeCeilingReached:
        return None
    return child if child.fee_satoshi <= found.units // _COST_DIVISOR else None


def _payment(
    run: PlanSweep, found: StuckDeposit, to: str, child: UnsignedTransaction, fee_rate: int
) -> NewPayment:
    payment_id = f"{run.run_id}-lift-{found.txid[:16]}-{found.vout}"
    [output] = child.outputs
    return NewPayment(
        id=payment_id,
        chain="bitcoin",
        kind=PaymentKind.SWEEP,
        asset="BTC",
        from_address=found.address,
        wallet_id=None,
        workflow_id=f"payment/{payment_id}",
        payees=[Payee(to, output.satoshi)],
        inputs=[Coin(found.txid, found.vout, found.units)],
        plan=AttemptPlan(
            fee_rate=fee_rate,
            fee_units_max=child.fee_satoshi,
            reason="child pays for parent",
            input_count=1,
            change_units=None,
        ),
    )
