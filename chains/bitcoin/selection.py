"""Which coins pay: exact matches without change first (branch and bound), else a random draw with
change.

Pure: the caller brings unreserved coins and a source of randomness, and reserves what it gets back.
Effective value = value minus the fee for spending the coin; coins that cost more than they are
worth (dust at this fee rate) never take part.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chains.bitcoin.addresses import ScriptKind
from chains.bitcoin.size import (
    DUST_SATOSHI,
    OUTPUT_SCRIPT_BYTES,
    fee_satoshi,
    transaction_vsize,
)
from chains.bitcoin.transaction import Output, UnsignedTransaction, Utxo

_INPUT_VBYTES = 68
_CHANGE_SCRIPT_BYTES = OUTPUT_SCRIPT_BYTES[ScriptKind.P2WPKH]
_TRIES_MAX = 50_000
_DRAWS = 20
_INPUTS_MAX = 500
"""Keeps a transaction under a third of the standard weight limit (400,000)."""


class NotEnoughCoins(Exception):
    """The wallet cannot pay this now. The withdrawal waits; nothing failed."""

    def __init__(self, *, needed_satoshi: int, spendable_satoshi: int) -> None:
        super().__init__(f"needs {needed_satoshi} satoshi, spendable are {spendable_satoshi}")
        self.needed_satoshi = needed_satoshi
        self.spendable_satoshi = spendable_satoshi


@dataclass(frozen=True, slots=True)
class Payment:
    """What to pay and at which rate."""

    outputs: tuple[Output, ...]
    fee_rate_satoshi_per_kvbyte: int
    change_script: bytes
    change_min_satoshi: int = DUST_SATOSHI[ScriptKind.P2WPKH]
    """Smaller change goes to the miners: it would cost more to spend than it is worth."""

    @property
    def output_satoshi(self) -> int:
        return sum(output.satoshi for output in self.outputs)

    def fee(self, input_count: int, *, with_change: bool) -> int:
        scripts = [len(output.locking_script) for output in self.outputs]
        if with_change:
            scripts.append(len(self.change_script))
        return fee_satoshi(
            transaction_vsize(input_count, scripts), self.fee_rate_satoshi_per_kvbyte
        )


def select(
    coins: Sequence[Utxo], payment: Payment, randomness: random.Random
) -> UnsignedTransaction:
    """A transaction that pays all of `payment` or raises NotEnoughCoins."""
    useful = _useful(coins, payment)
    chosen = _without_change(useful, payment) or _random_draw(useful, payment, randomness)
    if chosen is None:
        raise NotEnoughCoins(
            needed_satoshi=payment.output_satoshi + payment.fee(1, with_change=True),
            spendable_satoshi=sum(coin.satoshi for coin in useful),
        )
    return with_inputs(chosen, payment)


def with_inputs(inputs: Sequence[Utxo], payment: Payment) -> UnsignedTransaction:
    """The transaction that spends exactly `inputs`: change last, or none when too small."""
    total = sum(coin.satoshi for coin in inputs)
    change = total - payment.output_satoshi - payment.fee(len(inputs), with_change=True)
    outputs = payment.outputs
    if change >= payment.change_min_satoshi:
        outputs = (*outputs, Output(change, payment.change_script))
    elif total < payment.output_satoshi + payment.fee(len(inputs), with_change=False):
        raise NotEnoughCoins(
            needed_satoshi=payment.output_satoshi + payment.fee(len(inputs), with_change=False),
            spendable_satoshi=total,
        )
    return UnsignedTransaction(tuple(sorted(inputs, key=lambda coin: coin.outpoint)), outputs)


def _useful(coins: Sequence[Utxo], payment: Payment) -> list[Utxo]:
    cost = fee_satoshi(_INPUT_VBYTES, payment.fee_rate_satoshi_per_kvbyte)
    useful = [coin for coin in coins if coin.satoshi > cost]
    return sorted(useful, key=lambda coin: (-coin.satoshi, coin.outpoint))


def _without_change(coins: Sequence[Utxo], payment: Payment) -> list[Utxo] | None:
    """Depth-first search for a set that needs no change output; None when none is found.

    Of the sets found the one that leaves least to the miners wins.
    """
    target = payment.output_satoshi
    change_cost = payment.fee(1, with_change=True) - payment.fee(1, with_change=False)
    least_surplus = change_cost + payment.change_min_satoshi + 1
    remaining = _sums_from_the_end(coins)
    best: list[Utxo] | None = None
    chosen: list[int] = []
    index, total = 0, 0
    for _ in range(_TRIES_MAX):
        surplus = total - target - payment.fee(len(chosen) or 1, with_change=False)
        if chosen and 0 <= surplus < least_surplus:
            best, least_surplus = [coins[each] for each in chosen], surplus
        if surplus >= 0 or surplus + remaining[index] < 0 or len(chosen) == _INPUTS_MAX:
            if not chosen:
                break
            # No larger set can do: go on without the coin taken last.
            index = chosen.pop()
            total -= coins[index].satoshi
        else:
            chosen.append(index)
            total += coins[index].satoshi
        index += 1
    return best


def _sums_from_the_end(coins: Sequence[Utxo]) -> list[int]:
    """Value of the coins from each place on; 0 behind the last."""
    sums = [0]
    for coin in reversed(coins):
        sums.append(sums[-1] + coin.satoshi)
    return sums[::-1]


def _random_draw(
    coins: Sequence[Utxo], payment: Payment, randomness: random.Random
) -> list[Utxo] | None:
    """Of several single random draws, the one with the fewest inputs; the largest coins as a last
    try.
    """
    draws = [_draw(randomness.sample(coins, len(coins)), payment) for _ in range(_DRAWS)]
    found = [draw for draw in (*draws, _draw(coins, payment)) if draw is not None]
    return min(found, key=len, default=None)


def _draw(coins: Sequence[Utxo], payment: Payment) -> list[Utxo] | None:
    chosen: list[Utxo] = []
    total = 0
    for coin in coins[:_INPUTS_MAX]:
        chosen.append(coin)
        total += coin.satoshi
        needed = payment.output_satoshi + payment.fee(len(chosen), with_change=True)
        if total >= needed + payment.change_min_satoshi:
            return chosen
    if chosen and total >= payment.output_satoshi + payment.fee(len(chosen), with_change=False):
        return chosen
    return None
