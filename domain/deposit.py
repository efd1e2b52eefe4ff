"""A deposit's life: what may follow what. Anything not in the table is a bug and raises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import WrongState
from domain.ids import CustomerId, DepositId, TxId
from domain.money import AssetCode


class DepositStatus(StrEnum):
    """The first lines are the way of a deposit that meets no trouble; then come the troubles."""

    DETECTED = "detected"
    """Seen in the mempool, or in a block that we have not yet weighed."""
    CONFIRMING = "confirming"
    """In a block of the chain we follow, with fewer confirmations than its amount needs."""
    CREDITED = "credited"
    """In the customer's available balance; may trade, may not leave yet."""
    WITHDRAWABLE = "withdrawable"

    BELOW_MINIMUM = "below_minimum"
    """Shown to the customer; credited together with others once they reach the minimum."""
    HELD = "held"
    """Screening asks for a person's decision; nothing is credited meanwhile."""
    SUSPENDED = "suspended"
    """Screening said no: the coins are booked to suspense, never to the customer."""
    RETURNED = "returned"
    ORPHANED = "orphaned"
    """Its block left the chain before it was credited."""
    REVERSED = "reversed"
    """Its block left the chain after it was credited; the credit was taken back."""


class DepositEvent(StrEnum):
    MINED = "mined"
    CREDITED = "credited"
    RELEASED = "released"
    """Confirmations reached the second threshold: withdrawable."""
    ORPHANED = "orphaned"
    REVERSED = "reversed"
    FOUND_SMALL = "found_small"
    HELD = "held"
    CLEARED = "cleared"
    SUSPENDED = "suspended"
    RETURNED = "returned"


_S, _E = DepositStatus, DepositEvent

DEPOSIT_TRANSITIONS: dict[tuple[DepositStatus, DepositEvent], DepositStatus] = {
    (_S.DETECTED, _E.MINED): _S.CONFIRMING,
    (_S.DETECTED, _E.ORPHANED): _S.ORPHANED,  # Replaced in the mempool, never mined.
    (_S.CONFIRMING, _E.CREDITED): _S.CREDITED,
    (_S.CONFIRMING, _E.FOUND_SMALL): _S.BELOW_MINIMUM,
    (_S.CONFIRMING, _E.HELD): _S.HELD,
    (_S.CONFIRMING, _E.ORPHANED): _S.ORPHANED,
    (_S.CREDITED, _E.RELEASED): _S.WITHDRAWABLE,
    (_S.CREDITED, _E.REVERSED): _S.REVERSED,
    (_S.WITHDRAWABLE, _E.REVERSED): _S.REVERSED,  # A reorg deeper than the second threshold.
    (_S.BELOW_MINIMUM, _E.CREDITED): _S.CREDITED,
    (_S.BELOW_MINIMUM, _E.ORPHANED): _S.ORPHANED,
    (_S.HELD, _E.CLEARED): _S.CONFIRMING,
    (_S.HELD, _E.SUSPENDED): _S.SUSPENDED,
    (_S.HELD, _E.ORPHANED): _S.ORPHANED,
    (_S.SUSPENDED, _E.RETURNED): _S.RETURNED,
    (_S.SUSPENDED, _E.CLEARED): _S.CONFIRMING,
    (_S.SUSPENDED, _E.REVERSED): _S.REVERSED,
    # The same deposit again: its transaction was mined in another block.
    (_S.ORPHANED, _E.MINED): _S.CONFIRMING,
    (_S.REVERSED, _E.MINED): _S.CONFIRMING,
}


def after_deposit_event(status: DepositStatus, event: DepositEvent) -> DepositStatus:
    """The status that follows. Raises WrongState."""
    try:
        return DEPOSIT_TRANSITIONS[status, event]
    except KeyError:
        raise WrongState(f"a deposit that is {status} cannot be {event}", status=status) from None


@dataclass(frozen=True, slots=True)
class SeenDeposit:
    """An output or a log that pays one of our addresses, as the chain tells it."""

    chain: str
    txid: TxId
    index: int
    """Output number, or the log's place in its transaction: a reorg does not change it."""
    asset: AssetCode
    units: int
    address: str
    customer_id: CustomerId
    height: int | None
    """None: in the mempool only."""
    block_hash: str | None

    @property
    def id(self) -> DepositId:
        return deposit_id(self.chain, self.txid, self.index)


def deposit_id(chain: str, txid: str, index: int) -> DepositId:
    return DepositId(f"{chain}:{txid}:{index}")
