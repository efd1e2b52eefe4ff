"""What asking a node can end in. A time-out is not a failure: the answer is lost, the deed may be
done.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BroadcastOutcome(StrEnum):
    ACCEPTED = "accepted"
    """The node took the transaction just now."""
    KNOWN = "known"
    """The node had it already, in its mempool or in a block: as good as accepted."""
    UNKNOWN = "unknown"
    """No answer, or the node could not say. Send the same bytes again; look up by txid."""
    REFUSED = "refused"
    """The node looked at it and said no. It may still be mined if another node said yes."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    outcome: BroadcastOutcome
    reason: str = ""
    """The node's words, for people."""

    @property
    def is_out(self) -> bool:
        return self.outcome in (BroadcastOutcome.ACCEPTED, BroadcastOutcome.KNOWN)


class NodeFault(Exception):
    """The node could not be asked or gave no usable answer. Retry."""


class NodeRefusal(Exception):
    """The node answered with an error: it will say the same again."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class WrongChain(Exception):
    """The node serves another chain than we were told: never talk to it about money."""
