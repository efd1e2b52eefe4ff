"""Fee rates in satoshi per kvbyte (the node's own unit; whole numbers, unlike sat/vB)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

SATOSHI_PER_BITCOIN = 10**8

BUMP_NUMERATOR, BUMP_DENOMINATOR = 9, 8
"""A replacement pays at least 12.5 % more. Geth wants 10 %, Core the relay fee on top: this covers
both.
"""

RELAY_INCREMENT_SATOSHI_PER_KVBYTE = 1000
"""BIP 125 rule 4: a replacement pays for its own relay, at Core's historic default increment."""


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Estimates are advice from strangers: they are kept between a floor and a ceiling."""

    floor_satoshi_per_kvbyte: int = 1_000
    ceiling_satoshi_per_kvbyte: int = 500_000
    fallback_satoshi_per_kvbyte: int = 10_000
    """Used when the node has seen too little traffic to estimate."""

    def bounded(self, estimate: int | None) -> int:
        rate = self.fallback_satoshi_per_kvbyte if estimate is None else estimate
        return min(max(rate, self.floor_satoshi_per_kvbyte), self.ceiling_satoshi_per_kvbyte)


class FeeCeilingReached(Exception):
    """A higher fee than policy allows would be needed: people must decide."""


def bumped_fee(*, old_fee_satoshi: int, vsize: int, policy: FeePolicy) -> int:
    """The smallest total fee a replacement of `vsize` may pay.

    Raises FeeCeilingReached when that is above the policy's ceiling.
    """
    by_share = -(-old_fee_satoshi * BUMP_NUMERATOR // BUMP_DENOMINATOR)
    by_relay = old_fee_satoshi + -(-vsize * RELAY_INCREMENT_SATOSHI_PER_KVBYTE // 1000)
    fee = max(by_share, by_relay)
    ceiling = vsize * policy.ceiling_satoshi_per_kvbyte // 1000
    if fee > ceiling:
        raise FeeCeilingReached(f"replacement needs {fee} satoshi, policy allows {ceiling}")
    assert_bumped(old_fee_satoshi, fee)
    return fee


def assert_bumped(old: int, new: int) -> None:
    """Nodes we do not see may be stricter than ours; a weaker bump might be replaced on one half
    only.
    """
    assert new * BUMP_DENOMINATOR >= old * BUMP_NUMERATOR, "a replacement must pay 12.5 % more"


def satoshi(amount: Decimal | int) -> int:
    """Exact satoshi of a bitcoin amount in a node's JSON."""
    assert not isinstance(amount, float), "a float lost the amount already"
    units = Decimal(amount).scaleb(8)
    assert units == units.to_integral_value(), amount
    return int(units)
