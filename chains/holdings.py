"""What a chain itself says of our coins: asked of a node, with nothing taken from our books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holdings:
    """Units on a set of addresses, by asset, at one block."""

    height: int
    block_hash: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AddressHoldings:
    """Units address by address, at one block."""

    height: int
    block_hash: str
    units: Mapping[tuple[str, str], int]
    """By address and asset."""


@dataclass(frozen=True, slots=True)
class MinedFee:
    """A transaction of ours that is in a block: what the network took, and whether it worked."""

    height: int
    fee_units: int
    succeeded: bool = True
    """False where the contract refused it: the fee is gone, the payment did not happen."""
