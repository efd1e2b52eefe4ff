"""Paying on Bitcoin: many withdrawals in one transaction, inputs of our choice, replace by fee."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payment_repairs import Conflict
from activities.payments import Bump, FeeCapReached, NotPayableNow
from chains.bitcoin import selection
from chains.bitcoin.addresses import ScriptKind, parse_address
from chains.bitcoin.fees import FeeCeilingReached, FeePolicy, bumped_fee
from chains.bitcoin.node import BitcoinNode
from chains.bitcoin.size import DUST_SATOSHI, fee_satoshi, transaction_vsize
from chains.bitcoin.transaction import Outpoint, Output, UnsignedTransaction, Utxo
from chains.node import Broadcast
from domain.ids import TxId
from domain.payment import PaymentKind, batch_pause_seconds
from storage import deposits, payments
from storage.custody_policy import ChainPolicy
from storage.payment_progress import Mined
from storage.payments import AttemptPlan, Coin, NewPayment, Payee

HOT_WALLET = "hot-bitcoin"
_PAYEES_MAX = 100
_FEE_TARGET_BLOCKS = 3
_WAKE_LATER_SECONDS = 0.02
"""After a batch may leave, so that who asks then is not told to wait once more."""
_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
"""12.5 % more for each byte, as `chains.bitcoin.fees` asks of the whole fee."""


class BitcoinPayments:
    name = "bitcoin"
    fee_asset = "BTC"

    def __init__(self, node: BitcoinNode) -> None:
        self._node = node
        self._randomness = random.SystemRandom()

    async def market(self, policy: ChainPolicy) -> int:
        """Satoshi per kvbyte, inside the policy's bounds."""
        return await self._node.fee_rate(_FEE_TARGET_BLOCKS, fee_policy(policy))

    async def reserve(
        self, connection: AsyncConnection, row: Row[Any], policy: ChainPolicy, market: int
    ) -> None:
        """Pay everything that waits in one transaction, with `row` first: it leads."""
        wallet = await payments.lock_wallet(connection, HOT_WALLET)
        coins = await self._spendable(connection)
        await _wait_for_batch(connection, policy, len(coins))
        waiting = await payments.approved(connection, self.name, limit=_PAYEES_MAX)
        ours = [each for each in waiting if each.id == row.id]
        if not ours:
            return  # Another one took it into its batch, or it was cancelled: the row says.
        batch = ours + [each for each in waiting if each.id != row.id]
        batch, unsigned = self._choose(batch, coins, wallet, market)
        payment_id = f"withdrawal-{row.id}"
        has_change = len(unsigned.outputs) > len(batch)
        await payments.create(
            connection,
            NewPayment(
                id=payment_id,
                chain=self.name,
                kind=PaymentKind.WITHDRAWAL,
                asset=self.fee_asset,
                from_address=wallet.address,
                wallet_id=wallet.id,
                workflow_id=f"withdrawal/{row.id}",
                payees=[Payee(each.address, int(each.units), each.id) for each in batch],
                inputs=coins_of(unsigned.inputs),
                plan=AttemptPlan(
                    fee_rate=market,
                    fee_units_max=unsigned.fee_satoshi,
                    reason="first",
                    input_count=len(unsigned.inputs),
                    change_units=unsigned.outputs[-1].satoshi if has_change else None,
                ),
            ),
        )
        for each in batch:
            await payments.assign(connection, each, payment_id)

    async def bump(
        self, connection: AsyncConnection, payment: Row[Any], policy: ChainPolicy, market: int
    ) -> Bump:
        """Replace by fee: the payees stay, change shrinks, and confirmed inputs may join."""
        newest = (await payments.attempts(connection, payment.id))[-1]
        paid = await payments.outputs(connection, payment.id)
        scripts = [self._script(output.address) for output in paid]
        coins = (await payments.inputs(connection, payment.id))[: newest.input_count]
        spare = iter(await self._spendable_locked(connection, payment))
        more: list[Coin] = []
        while True:
            plan = _replacement(newest, payment, [*coins, *more], scripts, policy, market)
            if plan is not None:
                return Bump(plan, more)
            another = next(spare, None)
            if another is None:
                raise FeeCapReached("the hot wallet has no output to pay a higher fee with")
            more.append(another)

    async def broadcast(self, raw: bytes, txid: str) -> Broadcast:
        return await self._node.broadcast(raw, TxId(txid))

    async def sources(self, txid: str) -> list[str]:
        transaction = await self._node.call("getrawtransaction", txid, 2)
        scripts = [spent["prevout"]["scriptPubKey"] for spent in _spends(transaction)]
        return sorted({script["address"] for script in scripts if "address" in script})

    async def locate(self, txid: str, attempt: int, fee_units_max: int) -> Mined | bool:
        transaction = await self._node.raw_transaction(TxId(txid))
        if transaction is None:
            return False
        block_hash = transaction.get("blockhash")
        if block_hash is None or transaction.get("confirmations", 0) < 1:
            return True
        header = await self._node.call("getblockheader", block_hash)
        # The fee of a Bitcoin transaction is fixed by its bytes.
        return Mined(attempt, txid, header["height"], block_hash, fee_units_max)

    async def conflict(
        self, txid: str, payment: Row[Any], inputs: Sequence[Coin]
    ) -> Conflict | None:
        del payment
        transaction = await self._node.raw_transaction(TxId(txid))
        if transaction is None or transaction.get("confirmations", 0) < 1:
            return None
        spent = {(each.get("txid"), each.get("vout")) for each in transaction["vin"]}
        if spent.isdisjoint((coin.txid, coin.vout) for coin in inputs):
            return None
        header = await self._node.call("getblockheader", transaction["blockhash"])
        return Conflict(header["height"], transaction["blockhash"])

    def _choose(
        self, batch: list[Row[Any]], coins: Sequence[Utxo], wallet: Row[Any], fee_rate: int
    ) -> tuple[list[Row[Any]], UnsignedTransaction]:
        """As many of the batch as the coins can pay, the first one in any case."""
        while True:
            outputs = tuple(Output(int(each.units), self._script(each.address)) for each in batch)
            wanted = selection.Payment(outputs, fee_rate, bytes(wallet.script))
            try:
                return batch, selection.select(coins, wanted, self._randomness)
            except selection.NotEnoughCoins as short:
                if len(batch) == 1:
                    reason = f"waits for hot funds: {short}"
                    raise NotPayableNow(reason) from None
                # The largest waits, so that it does not keep all others waiting.
                batch.remove(max(batch[1:], key=lambda each: each.units))

    async def _spendable(self, connection: AsyncConnection) -> list[Utxo]:
        wallet = await payments.lock_wallet(connection, HOT_WALLET)
        scanned = await deposits.scanned_height(connection, self.name)
        found = await payments.spendable(connection, HOT_WALLET, confirmed_below=scanned)
        key = bytes(wallet.public_key)
        return [Utxo(Outpoint(TxId(coin.txid), coin.vout), coin.units, key) for coin in found]

    async def _spendable_locked(self, connection: AsyncConnection, payment: Row[Any]) -> list[Coin]:
        """Coins of the hot wallet that may join a replacement, if its change goes back there.

        So a sweep is replaced, too: its payee must not get less, and it has no change of its own.
        """
        wallet = await payments.lock_wallet(connection, HOT_WALLET)
        if payment.from_address != wallet.address:
            return []
        scanned = await deposits.scanned_height(connection, self.name)
        return await payments.spendable(connection, wallet.id, confirmed_below=scanned)

    def _script(self, address: str) -> bytes:
        return parse_address(address, self._node.network).locking_script


def _spends(transaction: dict[str, Any]) -> list[dict[str, Any]]:
    """Inputs whose outputs the node still knows; a coinbase has none, the mempool no `prevout`."""
    return [spent for spent in transaction["vin"] if "prevout" in spent]


async def _wait_for_batch(
    connection: AsyncConnection, policy: ChainPolicy, free_coins: int
) -> None:
    """The first payment of a quiet wallet leaves at once; what comes after it gathers."""
    pause = batch_pause_seconds(policy.batch_window_seconds, free_coins)
    age = await payments.newest_batch_age(connection, policy.chain) if pause else None
    remaining = 0 if age is None else pause - age
    if remaining > 0:
        raise NotPayableNow("waits for its batch", wait_seconds=remaining + _WAKE_LATER_SECONDS)


def _replacement(
    newest: Row[Any],
    payment: Row[Any],
    coins: Sequence[Coin],
    scripts: Sequence[bytes],
    policy: ChainPolicy,
    market: int,
) -> AttemptPlan | None:
    """The next attempt with exactly these inputs; None when they cannot pay it."""
    lengths = [len(script) for script in scripts]
    change_length = len(_CHANGE_SCRIPT)
    total = sum(coin.units for coin in coins) - int(payment.units)
    for with_change in (True, False):
        outputs = [*lengths, change_length] if with_change else lengths
        vsize = transaction_vsize(len(coins), outputs)
        fee = _higher_fee(newest, vsize, policy, market)
        change = total - fee
        if with_change and change >= DUST_SATOSHI[ScriptKind.P2WPKH]:
            return _plan(fee, vsize, len(coins), change)
        if not with_change and change >= 0:
            return _plan(total, vsize, len(coins), None)
    return None


_CHANGE_SCRIPT = bytes(22)


def _higher_fee(newest: Row[Any], vsize: int, policy: ChainPolicy, market: int) -> int:
    """More in all, and more for each byte: with inputs that joined the first alone is not enough.

    Nodes refuse a replacement whose rate is not higher (BIP 125).
    """
    try:
        least = bumped_fee(
            old_fee_satoshi=int(newest.fee_units_max), vsize=vsize, policy=fee_policy(policy)
        )
    except FeeCeilingReached as cap:
        raise FeeCapReached(str(cap)) from None
    rate = int(newest.fee_rate) * _BUMP_NUMERATOR // _BUMP_DENOMINATOR + 1
    if rate > policy.fee_rate_cap:
        raise FeeCapReached(f"{rate} sat/kvB would be needed, policy allows {policy.fee_rate_cap}")
    return max(least, fee_satoshi(vsize, max(rate, market)))


def _plan(fee: int, vsize: int, inputs: int, change: int | None) -> AttemptPlan:
    return AttemptPlan(
        fee_rate=fee * 1000 // vsize,
        fee_units_max=fee,
        reason="bump",
        input_count=inputs,
        change_units=change,
    )


def fee_policy(policy: ChainPolicy) -> FeePolicy:
    return FeePolicy(
        floor_satoshi_per_kvbyte=policy.fee_rate_floor,
        ceiling_satoshi_per_kvbyte=policy.fee_rate_cap,
        fallback_satoshi_per_kvbyte=policy.fee_rate_default,
    )


def coins_of(spent: Sequence[Utxo]) -> list[Coin]:
    """As they are stored."""
    return [Coin(utxo.outpoint.txid, utxo.outpoint.vout, utxo.satoshi) for utxo in spent]
