"""A withdrawal's life: what may follow what.

From `reserved` on, only one event leads back to the customer's funds: proof that its transaction
can never be mined.
"""

from __future__ import annotations

from enum import StrEnum

from domain.errors import WrongState


class WithdrawalKind(StrEnum):
    CHAIN = "chain"
    INTERNAL = "internal"
    """To an address of another customer of ours: a transfer in the ledger, nothing on the chain."""


class WithdrawalStatus(StrEnum):
    """The order of the lines is the way of a withdrawal that meets no trouble."""

    HELD = "held"
    """Asked for; the amount and the quoted fee are held in the ledger."""
    REVIEW = "review"
    """Waits for staff."""
    APPROVED = "approved"
    """Waits for a batch, for hot funds, or for a stop to be lifted; `reason` says which."""
    RESERVED = "reserved"
    """Belongs to a payment with a nonce or inputs. The customer can no longer cancel."""
    BROADCAST = "broadcast"
    """Signed bytes were stored and offered to a node. The coins may have left."""
    SEEN = "seen"
    """A node has the transaction, in its mempool or in a block."""
    DONE = "done"
    """Confirmed and posted to the ledger."""

    CANCELLED = "cancelled"
    REJECTED = "rejected"


class WithdrawalEvent(StrEnum):
    REFERRED = "referred"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    RESERVED = "reserved"
    BROADCAST = "broadcast"
    SEEN = "seen"
    POSTED = "posted"
    PROVEN_DEAD = "proven_dead"
    """Another transaction with the same nonce or inputs is final and does not pay this one."""


_S, _E = WithdrawalStatus, WithdrawalEvent

WITHDRAWAL_TRANSITIONS: dict[tuple[WithdrawalStatus, WithdrawalEvent], WithdrawalStatus] = {
    (_S.HELD, _E.APPROVED): _S.APPROVED,
    (_S.HELD, _E.REFERRED): _S.REVIEW,
    (_S.HELD, _E.REJECTED): _S.REJECTED,
    (_S.HELD, _E.CANCELLED): _S.CANCELLED,
    (_S.HELD, _E.POSTED): _S.DONE,  # Internal transfers need no chain.
    (_S.REVIEW, _E.APPROVED): _S.APPROVED,
    (_S.REVIEW, _E.REJECTED): _S.REJECTED,
    (_S.REVIEW, _E.CANCELLED): _S.CANCELLED,
    (_S.APPROVED, _E.RESERVED): _S.RESERVED,
    (_S.APPROVED, _E.REFERRED): _S.REVIEW,  # The list changed while it was waiting.
    (_S.APPROVED, _E.REJECTED): _S.REJECTED,
    (_S.APPROVED, _E.CANCELLED): _S.CANCELLED,
    (_S.APPROVED, _E.POSTED): _S.DONE,
    # The point of no return. Only forward from here.
    (_S.RESERVED, _E.BROADCAST): _S.BROADCAST,
    (_S.RESERVED, _E.PROVEN_DEAD): _S.CANCELLED,
    (_S.BROADCAST, _E.SEEN): _S.SEEN,
    (_S.BROADCAST, _E.POSTED): _S.DONE,  # Mined before any node was asked.
    (_S.BROADCAST, _E.PROVEN_DEAD): _S.CANCELLED,
    (_S.SEEN, _E.POSTED): _S.DONE,
    (_S.SEEN, _E.PROVEN_DEAD): _S.CANCELLED,
}

CANCELLABLE = frozenset({_S.HELD, _S.REVIEW, _S.APPROVED})
FINISHED = frozenset({_S.DONE, _S.CANCELLED, _S.REJECTED})


def after_withdrawal_event(status: WithdrawalStatus, event: WithdrawalEvent) -> WithdrawalStatus:
    """The status that follows. Raises WrongState."""
    try:
        return WITHDRAWAL_TRANSITIONS[status, event]
    except KeyError:
        raise WrongState(
            f"a withdrawal that is {status} cannot be {event}", status=status
        ) from None
