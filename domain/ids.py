"""Identifiers, one type per concept, so that a type checker refuses a swap."""

from typing import NewType

CustomerId = NewType("CustomerId", int)
"""Our number for a customer; given out by Postgres, never reused."""

OrderId = NewType("OrderId", int)
"""Our number for an order, unique over all markets; 63 bits."""

ClientOrderId = NewType("ClientOrderId", str)
"""The caller's own id of an order, unique per customer."""

TradeId = NewType("TradeId", int)
"""Number of a trade inside its market, from 1, without gaps."""

Sequence = NewType("Sequence", int)
"""Gapless number of an event inside its market, from 1."""

EntryId = NewType("EntryId", str)
"""The caller's id of a journal entry; posting it twice has the effect of posting it once."""

HoldId = NewType("HoldId", str)
"""The caller's id of a hold: `order:{order_id}` or `withdrawal:{withdrawal_id}`."""

DepositId = NewType("DepositId", str)
"""`{chain}:{txid}:{index}`; survives reorgs. Index: output number, or the log's place in its
transaction."""

WithdrawalId = NewType("WithdrawalId", str)
"""Our id of a withdrawal (UUID text)."""

TxId = NewType("TxId", str)
"""A chain transaction: lower-case hex; Ethereum's with 0x."""
