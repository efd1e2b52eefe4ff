"""EIP-1559 fees in wei per gas."""

from __future__ import annotations

from dataclasses import dataclass

GWEI = 10**9
TRANSFER_GAS = 21_000
"""A plain transfer to an address without code costs exactly this."""

_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
"""12.5 %: geth asks for 10 % on both fields; nodes we do not see may round against us."""
_BASE_FEE_HEADROOM = 2
"""The base fee can double within six full blocks; above that the transaction waits or is bumped."""


class FeeCeilingReached(Exception):
    """A higher fee than policy allows would be needed: people must decide."""


@dataclass(frozen=True, slots=True)
class GasFees:
    """Price caps of one attempt; the actual price is base fee + tip, never above `max_fee_wei`."""

    max_fee_wei: int
    tip_wei: int

    def __post_init__(self) -> None:
        assert 0 < self.tip_wei <= self.max_fee_wei, self


@dataclass(frozen=True, slots=True)
class GasPolicy:
    floor_wei: int = GWEI // 100
    ceiling_wei: int = 500 * GWEI
    tip_floor_wei: int = GWEI // 100
    tip_ceiling_wei: int = 50 * GWEI
    fallback_tip_wei: int = GWEI
    """Used when recent blocks show no tips."""

    def fees(self, *, base_fee_wei: int, tip_wei: int | None) -> GasFees:
        """Fees for quick inclusion, inside the bounds. Raises FeeCeilingReached in a fee spike."""
        tip = self.fallback_tip_wei if tip_wei is None else tip_wei
        tip = min(max(tip, self.tip_floor_wei), self.tip_ceiling_wei)
        if base_fee_wei + tip > self.ceiling_wei:
            raise FeeCeilingReached(
                f"base fee {base_fee_wei} wei leaves no room under the policy's {self.ceiling_wei}"
            )
        max_fee = min(
            max(_BASE_FEE_HEADROOM * base_fee_wei + tip, self.floor_wei), self.ceiling_wei
        )
        return GasFees(max(max_fee, tip), tip)

    def bumped(self, old: GasFees, market: GasFees | None = None) -> GasFees:
        """Fees of a replacement: at least 12.5 % more on both fields, or the market's if higher.

        Raises FeeCeilingReached when the smallest replacement is above the ceiling.
        """
        max_fee, tip = _bump(old.max_fee_wei), _bump(old.tip_wei)
        if max_fee > self.ceiling_wei:
            raise FeeCeilingReached(
                f"replacement needs {max_fee} wei per gas, policy allows {self.ceiling_wei}"
            )
        if market is not None:
            max_fee = min(max(max_fee, market.max_fee_wei), self.ceiling_wei)
            tip = max(tip, market.tip_wei)
        new = GasFees(max_fee, min(tip, max_fee))
        assert_bumped(old, new)
        return new


def assert_bumped(old: GasFees, new: GasFees) -> None:
    """Both fields, or geth keeps the old transaction. Test nodes accept less."""
    assert new.max_fee_wei * _BUMP_DENOMINATOR >= old.max_fee_wei * _BUMP_NUMERATOR
    assert new.tip_wei * _BUMP_DENOMINATOR >= old.tip_wei * _BUMP_NUMERATOR


def _bump(wei: int) -> int:
    return -(-wei * _BUMP_NUMERATOR // _BUMP_DENOMINATOR)
