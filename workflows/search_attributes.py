"""Search attributes of the namespace. Temporal never encrypts them: no personal data, ever."""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey

STATE = SearchAttributeKey.for_keyword("State")
ASSET = SearchAttributeKey.for_keyword("Asset")
CHAIN = SearchAttributeKey.for_keyword("Chain")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")
QUEUE = SearchAttributeKey.for_keyword("Queue")
"""Which group of staff a waiting workflow belongs to: compliance, senior, operations."""
MARKET = SearchAttributeKey.for_keyword("Market")
REASON = SearchAttributeKey.for_keyword("Reason")
"""Why it does not go on, in a few words that name nobody."""
RISK_SCORE = SearchAttributeKey.for_int("RiskScore")
NEEDS_HUMAN = SearchAttributeKey.for_bool("NeedsHuman")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
TX_IDS = SearchAttributeKey.for_keyword_list("TxIds")

ALL: tuple[SearchAttributeKey[Any], ...] = (
    STATE,
    ASSET,
    CHAIN,
    CUSTOMER_ID,
    QUEUE,
    MARKET,
    REASON,
    RISK_SCORE,
    NEEDS_HUMAN,
    DUE_AT,
    TX_IDS,
)
