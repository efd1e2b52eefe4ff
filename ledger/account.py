"""Accounts: one owner, one purpose, one asset. The chart of accounts is the list of kinds."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from domain.ids import CustomerId
from domain.market import MarketId
from domain.money import AssetCode


class AccountKind(StrEnum):
    """Balances are credits minus debits, so what we owe is positive and what we own on chain is
    negative.
    """

    CUSTOMER_AVAILABLE = "customer_available"
    """Free for the customer to use."""
    CUSTOMER_HELD = "customer_held"
    """Promised to open orders and withdrawals; equals the sum of the customer's open holds."""
    FEE_INCOME = "fee_income"
    """Fees earned; one account for each market, so that markets settle without waiting for each
    other.
    """
    PENDING_WITHDRAWAL = "pending_withdrawal"
    """Confirmed as leaving, until booked against the hot wallet."""
    SUSPENSE = "suspense"
    """Received, but we do not know whose it is."""
    ROUNDING = "rounding"
    """Parts of a unit that a division left over."""
    HOUSE_CAPITAL = "house_capital"
    """The exchange's own money in its wallets."""
    NETWORK_FEE = "network_fee"
    """Paid to miners and validators; negative: spent."""
    DEPOSIT_WALLET = "deposit_wallet"
    """Coins on customers' deposit addresses, not yet swept; negative: owned."""
    HOT_WALLET = "hot_wallet"
    WARM_WALLET = "warm_wallet"
    """Offline, but near: its keepers sign within hours, those of the cold one within days."""
    COLD_WALLET = "cold_wallet"

    # Enum's own hash is Python code; this one is on the path of every transfer.
    __hash__ = str.__hash__


MAY_BE_NEGATIVE = frozenset(
    {
        AccountKind.DEPOSIT_WALLET,
        AccountKind.HOT_WALLET,
        AccountKind.WARM_WALLET,
        AccountKind.COLD_WALLET,
        AccountKind.NETWORK_FEE,
    }
)
"""Kinds that carry what the exchange owns or spent. Every other balance is at least zero, always.
"""

ON_CHAIN = frozenset(
    {
        AccountKind.DEPOSIT_WALLET,
        AccountKind.HOT_WALLET,
        AccountKind.WARM_WALLET,
        AccountKind.COLD_WALLET,
    }
)
"""An asset's coins on its chain are the negated sum of these."""

CUSTOMER_KINDS = frozenset({AccountKind.CUSTOMER_AVAILABLE, AccountKind.CUSTOMER_HELD})


class AccountRef(NamedTuple):
    """Names an account by what it is. Opened when first used."""

    kind: AccountKind
    asset: AssetCode
    customer_id: CustomerId | None = None
    market: MarketId | None = None

    def __str__(self) -> str:
        parts = (self.kind, self.asset, self.customer_id, self.market)
        return "/".join(str(part) for part in parts if part is not None)


def available(customer_id: CustomerId, asset: AssetCode) -> AccountRef:
    return AccountRef(AccountKind.CUSTOMER_AVAILABLE, asset, customer_id)


def held(customer_id: CustomerId, asset: AssetCode) -> AccountRef:
    return AccountRef(AccountKind.CUSTOMER_HELD, asset, customer_id)


def house(kind: AccountKind, asset: AssetCode, market: MarketId | None = None) -> AccountRef:
    """An account of the exchange itself."""
    assert kind not in CUSTOMER_KINDS
    return AccountRef(kind, asset, None, market)
