"""What is broken, what is seen of it, and how one knows that it healed. Local stacks only."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cli.breaking.bystander import Bystander
from cli.breaking.liar import lying
from cli.breaking.stage import Stage
from devstack.rialto import LIAR

DEPTH_MAX: Final = 5
"""Blocks: a reorg of six stops the chain's payments until staff has looked."""
STAKE_SATOSHI: Final = 1_000_000
LIE_SATOSHI: Final = 123_457
"""An amount that nothing else in a block is likely to have."""
_SPENDABLE: Final = {"credited", "withdrawable"}
_TAKEN_BACK: Final = {"orphaned", "reversed"}


@dataclass
class Healed:
    """What a scene found; everything must hold for it to be healed."""

    scene: str
    seconds: float = 0.0
    facts: dict[str, object] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


async def reorg(stage: Stage, depth: int) -> Healed:
    """Replace the newest blocks by a longer branch, as a rival miner would."""
    lost_before = await stage.taken_back()
    async with Bystander(stage.running) as bystander:
        await bystander.prepare(STAKE_SATOSHI)
        for _ in range(DEPTH_MAX):  # Out of reach: a coinbase that the branch makes unripe again
            await stage.mine()  # would take every payment that spends it out of the mempool.
        with stage.asleep("miner"):  # Its next block would confirm anew what we want to see fall.
            txid = await _credited(stage, bystander)
            facts = await _replace_blocks(stage, txid, depth)
            taken_back = await stage.wait(
                "the deposit is taken back", _status(bystander, txid, _TAKEN_BACK)
            )
        await bystander.hands_in_again(txid)
        stage.tell(f"Its deposit is {taken_back}; its wallet hands the same payment in again")
        final = await stage.wait(
            "the deposit is whole again", _status(bystander, txid, {"withdrawable"})
        )

    async def whole() -> bool | None:
        return await stage.taken_back() <= lost_before or None

    await stage.wait("every deposit is whole again", whole)
    await stage.wait("the listener is at the tip", stage.caught_up)
    stage.tell(f"Mined again, and {final}: credited once, under the same id")
    facts |= {"deposit": txid, "was": taken_back, "is": final}
    return Healed("reorg", facts=facts, findings=await stage.settled())


async def _credited(stage: Stage, bystander: Bystander) -> str:
    """A deposit with just as many confirmations as its credit needs."""
    await stage.wait("the listener is at the tip", stage.caught_up)
    txid = await bystander.is_paid(STAKE_SATOSHI)
    await stage.mine()

    async def mined() -> Any:
        row = await stage.deposit(txid)
        return row if row is not None and row.height is not None else None

    row = await stage.wait("the listener sees the deposit", mined)
    for _ in range(row.credit_confirmations - 1):
        await stage.mine()
    await stage.wait("the deposit is credited", _status(bystander, txid, _SPENDABLE))
    stage.tell(f"A customer was paid {STAKE_SATOSHI} satoshi in block {row.height}, and has them")
    return txid


async def _replace_blocks(stage: Stage, txid: str, depth: int) -> dict[str, object]:
    """The deposit's block and those above it, at least `depth`, give way to empty ones."""
    await stage.wait("the listener is at the tip", stage.caught_up)
    height, old_tip = await stage.bitcoin.tip()
    depth = max(depth, height - (await stage.deposit(txid)).height + 1)
    assert depth <= DEPTH_MAX, f"a reorg of {depth} blocks would stop payments"
    stage.tell(f"Blocks {height - depth + 1} to {height} are thrown away; a rival's take over")
    await stage.bitcoin.call("invalidateblock", await stage.bitcoin.block_hash(height - depth + 1))
    await stage.mine_empty(depth + 1)

    async def gone() -> Any:
        row = await stage.row(
            "SELECT count(*) FILTER (WHERE orphaned_at IS NULL) AS standing FROM blocks"
            " WHERE chain = 'bitcoin' AND hash = :hash",
            hash=old_tip,
        )
        return True if row.standing == 0 else None

    await stage.wait("the listener has left the old branch", gone)
    await stage.wait("the listener is at the new tip", stage.caught_up)
    stage.tell("The listener went back block by block, and forth along the new branch")
    return {"depth": depth, "old_tip": old_tip, "height": height}


async def matcher(stage: Stage) -> Healed:
    """Kill -9 of the matching engine; its supervisor starts it, the journal brings it back."""
    async with Bystander(stage.running) as bystander:
        await bystander.may_trade()
        await bystander.prepare(STAKE_SATOSHI)
        txid = await bystander.is_paid(STAKE_SATOSHI)
        await stage.wait("the deposit is credited", _status(bystander, txid, _SPENDABLE))
        resting = await bystander.offers()
        await stage.wait("the order rests in the book", _order(bystander, resting, {"open"}))
        stage.tell(f"A customer's order {resting} rests in the book")
        facts, late = await _kill(stage, bystander)
        await stage.wait("the late order rests, too", _order(bystander, late, {"open"}))
        await bystander.withdraws_offers()
        for order_id in (resting, late):
            await stage.wait(
                f"order {order_id} is canceled", _order(bystander, order_id, {"canceled"})
            )
        stage.tell("The engine knew both orders: it took them out of its book when asked to")
    facts |= {"resting": resting, "placed_meanwhile": late}
    return Healed("matcher", facts=facts, findings=await stage.settled())


async def _kill(stage: Stage, bystander: Bystander) -> tuple[dict[str, object], str]:
    before = stage.pid("matching_engine")
    assert before is not None, "the matching engine does not run"
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    stage.tell(f"kill -9 {before}: the matching engine is gone, with all its order books")
    late = await bystander.offers()
    stage.tell(f"Order {late} is taken all the same: held in the ledger, durable in the queue")

    async def back() -> int | None:
        found = await asyncio.to_thread(stage.healthy_pid, "matching_engine")
        return found if found not in {None, before} else None

    after = await stage.wait("the matching engine is back", back)
    seconds = round(time.monotonic() - began, 1)
    stage.tell(f"Back as {after} after {seconds} s, its books replayed from the journal")
    return {"killed": before, "now": after, "back_seconds": seconds}, late


async def node(stage: Stage) -> Healed:
    """The listener's bitcoin node shows deposits a thousand times as large as they are."""
    async with Bystander(stage.running) as bystander:
        await bystander.prepare(LIE_SATOSHI)
        await stage.wait("the listener is at the tip", stage.caught_up)
        with lying(stage.running.bitcoin_rpc_url, LIE_SATOSHI) as (url, told):
            liar = replace(stage.site, settings={**stage.site.settings, LIAR: url})
            try:
                await stage.start_again("event_listener", liar)
                stage.tell("From now on the listener's node lies about amounts")
                facts = await _lied_to(stage, bystander, told)
            finally:
                await stage.start_again("event_listener", stage.site)
        stage.tell("The node is honest again")
        txid = str(facts["deposit"])
        await stage.wait("the deposit is withdrawable", _status(bystander, txid, {"withdrawable"}))
    await stage.wait("the listener is at the tip", stage.caught_up)
    findings = await stage.settled()
    facts["credited_satoshi"] = int((await stage.deposit(txid)).credited_units)
    if facts["credited_satoshi"] != LIE_SATOSHI:
        findings.append(f"{facts['credited_satoshi']} satoshi were credited, not {LIE_SATOSHI}")
    stage.tell(f"It caught up, and credited what was really paid: {LIE_SATOSHI} satoshi")
    return Healed("node", facts=facts, findings=findings)


async def _lied_to(stage: Stage, bystander: Bystander, told: list[str]) -> dict[str, object]:
    txid = await bystander.is_paid(LIE_SATOSHI)

    async def halted() -> Any:
        cursor = await stage.cursor()
        return cursor if cursor.halted_reason else None

    cursor = await stage.wait("the listener notices", halted)
    stage.tell(f"It stands still and says why: {cursor.halted_reason}")
    assert told, "nobody was lied to"
    deposit = await stage.deposit(txid)
    assert deposit is None or deposit.block_hash is None, "a lie was taken for a block"
    return {
        "deposit": txid,
        "paid_satoshi": LIE_SATOSHI,
        "lies": len(told),
        "halted_reason": cursor.halted_reason,
    }


def _status(
    bystander: Bystander, txid: str, wanted: set[str]
) -> Callable[[], Awaitable[str | None]]:
    async def look() -> str | None:
        status = await bystander.deposit_status(txid)
        return status if status in wanted else None

    return look


def _order(
    bystander: Bystander, order_id: str, wanted: set[str]
) -> Callable[[], Awaitable[str | None]]:
    async def look() -> str | None:
        status = await bystander.order_status(order_id)
        return status if status in wanted else None

    return look
