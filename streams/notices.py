"""What a customer's own connections hear at once: channel `customer:{customer_id}`, one JSON each.

`type` tells the messages apart. A notice says "look again": it is sent after the commit, may be
lost, and is never the only place where something is written.
"""

from __future__ import annotations

import logging
from typing import Protocol

import msgspec
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

logger = logging.getLogger(__name__)


class DepositNotice(msgspec.Struct, frozen=True, tag="deposit", tag_field="type"):
    deposit_id: str
    asset: str
    amount: str
    """A decimal string, as in the API."""
    status: str
    confirmations: int
    credit_confirmations: int
    withdrawable_confirmations: int
    txid: str


class WithdrawalNotice(msgspec.Struct, frozen=True, tag="withdrawal", tag_field="type"):
    withdrawal_id: str
    asset: str
    amount: str
    status: str
    txid: str
    reason: str


class BalanceNotice(msgspec.Struct, frozen=True, tag="balance", tag_field="type"):
    """Balances of these assets changed; read them."""

    assets: list[str]


Notice = DepositNotice | WithdrawalNotice | BalanceNotice


class Notices(Protocol):
    async def send(self, customer_id: int, *notices: Notice) -> None: ...


class ValkeyNotices:
    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def send(self, customer_id: int, *notices: Notice) -> None:
        """Never raises: what it tells is already true, and a deed must not fail for its news."""
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for notice in notices:
                    pipeline.publish(f"customer:{customer_id}", msgspec.json.encode(notice))
                await pipeline.execute()
        except (ValkeyError, OSError) as fault:
            logger.warning("a notice was lost", extra={"fault": str(fault)[:200]})


class NoNotices:
    """For processes and tests without Valkey."""

    async def send(self, customer_id: int, *notices: Notice) -> None:
        del customer_id, notices
