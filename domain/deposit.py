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
    """An officer said no: the coins stay on their address, in nobody's balance."""
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
    (_S.SUSPENDED, _E.ORPHANED): _S.ORPHANED,
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
class DepositFacts:
    """All that the next step depends on."""

    status: DepositStatus
    confirmations: int
    """Zero: in no block of the chain we follow."""
    credit_confirmations: int
    withdrawable_confirmations: int
    is_screened: bool
    is_clear: bool
    """By screening, or by an officer after it."""
    reaches_minimum: bool
    """Alone, or together with the customer's other small deposits."""
    may_credit: bool
    """False while credits are stopped."""


def next_deposit_event(facts: DepositFacts) -> DepositEvent | None:
    """What happens now without anybody's doing; None: wait."""
    if facts.confirmations == 0:
        return _WHEN_ORPHANED.get(facts.status)
    match facts.status:
        case DepositStatus.DETECTED | DepositStatus.ORPHANED | DepositStatus.REVERSED:
            return DepositEvent.MINED
        case DepositStatus.CONFIRMING:
            return _while_confirming(facts)
        case DepositStatus.BELOW_MINIMUM if facts.reaches_minimum and facts.may_credit:
            return DepositEvent.CREDITED
        case DepositStatus.CREDITED if facts.confirmations >= facts.withdrawable_confirmations:
            return DepositEvent.RELEASED
    return None


_WHEN_ORPHANED = {
    DepositStatus.CONFIRMING: DepositEvent.ORPHANED,
    DepositStatus.BELOW_MINIMUM: DepositEvent.ORPHANED,
    DepositStatus.HELD: DepositEvent.ORPHANED,
    DepositStatus.CREDITED: DepositEvent.REVERSED,
    DepositStatus.WITHDRAWABLE: DepositEvent.REVERSED,
    DepositStatus.SUSPENDED: DepositEvent.ORPHANED,
}


def _while_confirming(facts: DepositFacts) -> DepositEvent | None:
    if not facts.is_screened:
        return None
    if not facts.is_clear:
        return DepositEvent.HELD
    if facts.confirmations < facts.credit_confirmations:
        return None
    if not facts.reaches_minimum:
        return DepositEvent.FOUND_SMALL
    return DepositEvent.CREDITED if facts.may_credit else None


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
