"""A payment: one family of chain transactions, the same inputs or nonce and the same payees."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PaymentKind(StrEnum):
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    """From deposit addresses to the hot wallet."""
    BATCH_SWEEP = "batch_sweep"
    """Tokens of many deposit addresses, by one transaction that the hot wallet pays for."""
    GAS = "gas"
    """From the hot wallet to a deposit address, so that a token can be swept from it."""
    FILL = "fill"
    """Zero to ourselves, at a nonce that would otherwise block all later ones."""
    CONSOLIDATION = "consolidation"
    """Many small outputs of the hot wallet into few, or a few large ones into many."""
    COLD = "cold"
    """From the hot wallet to the cold one: more lies online than should."""
    WARM = "warm"
    """From the hot wallet to the warm one: the nearest reserve is filled first."""


class PaymentStatus(StrEnum):
    RESERVED = "reserved"
    """Its nonce or inputs are taken; nothing is signed."""
    SIGNED = "signed"
    """At least one attempt has bytes; they may be anywhere."""
    CONFIRMED = "confirmed"
    """One attempt is deep enough, and the ledger took it in."""
    DEAD = "dead"
    """A foreign transaction took the nonce or an input, for good."""


class AttemptStatus(StrEnum):
    PLANNED = "planned"
    SIGNED = "signed"
    SEEN = "seen"
    MINED = "mined"
    REPLACED = "replaced"
    """Another attempt of the same payment confirmed."""


FREE_COINS_ENOUGH = 20
"""With fewer outputs that can be spent now, batches follow each other less often."""


def batch_pause_seconds(window_seconds: int, free_coins: int) -> int:
    """How long after one batch the next one may leave, at the earliest.

    Each batch takes an output, and its change cannot be spent before the next block. So the fewer
    are left, the more payees each must serve.
    """
    if not 0 < free_coins < FREE_COINS_ENOUGH:
        return window_seconds
    return window_seconds * FREE_COINS_ENOUGH // free_coins


@dataclass(frozen=True, slots=True)
class SignPayment:
    """What the signer is asked: nothing but which. It reads the plan and the approvals itself."""

    payment_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SignedPayment:
    """The bytes stay in the database; whoever needs them reads them there."""

    payment_id: str
    attempt: int
    txid: str
