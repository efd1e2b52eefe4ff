"""Child pays for parent: a stuck transaction that pays us is pulled into a block by spending it."""

from __future__ import annotations

from dataclasses import dataclass

from chains.bitcoin.addresses import ScriptKind
from chains.bitcoin.fees import FeeCeilingReached, FeePolicy
from chains.bitcoin.size import DUST_SATOSHI, fee_satoshi, transaction_vsize
from chains.bitcoin.transaction import Output, UnsignedTransaction, Utxo


@dataclass(frozen=True, slots=True)
class StuckParent:
    """An unconfirmed transaction with an output of ours."""

    vsize: int
    fee_satoshi: int
    output: Utxo


def child_for(
    parent: StuckParent, to_script: bytes, fee_rate_satoshi_per_kvbyte: int, policy: FeePolicy
) -> UnsignedTransaction:
    """A child that lifts parent and child together to the fee rate.

    Raises FeeCeilingReached when the child's own rate would pass the policy's ceiling, or when the
    output is worth less than lifting it costs.
    """
    child_vsize = transaction_vsize(1, [len(to_script)])
    together = fee_satoshi(parent.vsize + child_vsize, fee_rate_satoshi_per_kvbyte)
    floor = fee_satoshi(child_vsize, policy.floor_satoshi_per_kvbyte)
    fee = max(together - parent.fee_satoshi, floor)
    if fee > fee_satoshi(child_vsize, policy.ceiling_satoshi_per_kvbyte):
        raise FeeCeilingReached(f"the child would pay {fee} satoshi for {child_vsize} vbytes")
    left = parent.output.satoshi - fee
    if left < DUST_SATOSHI[ScriptKind.P2WPKH]:
        raise FeeCeilingReached(f"the output holds {parent.output.satoshi} satoshi, lifting {fee}")
    return UnsignedTransaction((parent.output,), (Output(left, to_script),))
