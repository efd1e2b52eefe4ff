"""Where coins are: what the chains said, whose which address is, what came in, what shall leave."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.deposit import DepositStatus
from domain.withdrawal import WithdrawalKind, WithdrawalStatus
from storage.metadata import metadata

_NOW = func.now()
_TIME = DateTime(timezone=True)
_UNITS = Numeric(78, 0)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(
        f"{column} IN ({', '.join(repr(str(value)) for value in values)})", name=column
    )


# What the chains said.

blocks = Table(
    "blocks",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("height", BigInteger, nullable=False),
    Column("parent_hash", Text, nullable=False),
    Column("mined_at", _TIME),
    Column("scanned_at", _TIME, nullable=False, server_default=_NOW),
    Column("orphaned_at", _TIME),  # Kept: a reorg can be told later.
    Index(
        "uq_blocks_canonical",
        "chain",
        "height",
        unique=True,
        postgresql_where=text("orphaned_at IS NULL"),
    ),
)

chain_cursors = Table(
    "chain_cursors",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("height", BigInteger, nullable=False),  # Last block fully scanned, and its hash.
    Column("hash", Text, nullable=False),
    Column("node_height", BigInteger),
    Column("halted_reason", Text),  # A gap, a null block or a wrong parent.
    Column("updated_at", _TIME, nullable=False, server_default=_NOW),
)

chain_events = Table(
    "chain_events",
    metadata,
    # The outbox of the event stream: written with its block, marked when Kinesis has it.
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("chain", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("published_at", _TIME),
    Index("ix_chain_events_unpublished", "id", postgresql_where=text("published_at IS NULL")),
)

# Keys and addresses.

wallets = Table(
    "wallets",
    metadata,
    Column("id", Text, primary_key=True),  # hot-bitcoin, hot-ethereum, cold-bitcoin ...
    Column("chain", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("script", LargeBinary),  # Bitcoin: the scriptPubKey of `address`.
    Column("public_key", LargeBinary),
    Column("key_id", Text),  # KMS alias of a hot key; null where no key of ours is online.
    Column("next_nonce", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint("kind IN ('hot', 'warm', 'cold', 'deposit')", name="kind"),
    UniqueConstraint("chain", "address"),
)

sealed_seeds = Table(
    "sealed_seeds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
)

xpubs = Table(
    "xpubs",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("chain", Text, nullable=False),
    Column("xpub", Text, nullable=False),
    Column("path", Text, nullable=False),  # Of the account: m/84h/1h/0h.
    Column("seed_id", Text, ForeignKey("sealed_seeds.id"), nullable=False),
    Column("next_index", Integer, nullable=False, server_default=text("0")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    UniqueConstraint("chain", "xpub"),
    Index("uq_xpubs_active", "chain", unique=True, postgresql_where=text("active")),
)

deposit_addresses = Table(
    "deposit_addresses",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("address", Text, primary_key=True),  # Ethereum: checksummed.
    Column("customer_id", BigInteger, nullable=False),
    Column("xpub_id", Integer, ForeignKey("xpubs.id"), nullable=False),
    Column("index", Integer, nullable=False),
    Column("script", LargeBinary),  # Bitcoin: deposits are matched on the script, not on text.
    Column("verified_at", _TIME),  # The signer derived the same address.
    Column("next_nonce", BigInteger, nullable=False, server_default=text("0")),  # Ethereum sweeps.
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    UniqueConstraint("xpub_id", "index"),
    Index("ix_deposit_addresses_customer", "customer_id", "chain"),
    Index("ix_deposit_addresses_script", "script"),
)

# Policy.

custody_assets = Table(
    "custody_assets",
    metadata,
    Column("asset", Text, primary_key=True),  # Its chain and contract: see assets.
    Column("deposit_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("withdraw_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("pause_reason", Text, nullable=False, server_default=text("''")),
    Column("memo_required", Boolean, nullable=False, server_default=text("false")),
    Column("deposit_min_units", _UNITS, nullable=False),
    Column("withdrawal_min_units", _UNITS, nullable=False),
    Column("withdrawal_fee_units", _UNITS, nullable=False),  # Quoted to the customer.
    Column("review_units", _UNITS, nullable=False),  # From here on staff look at it.
    Column("four_eyes_units", _UNITS, nullable=False),  # From here on two officers do.
    Column("hourly_units_max", _UNITS, nullable=False),  # Circuit breaker over all customers.
    Column("hot_low_units", _UNITS, nullable=False),
    Column("hot_target_units", _UNITS, nullable=False),
    Column("hot_high_units", _UNITS, nullable=False),
    Column("sweep_min_units", _UNITS, nullable=False),  # Of one address.
    Column("warm_low_units", _UNITS, nullable=False, server_default=text("0")),
    Column("warm_target_units", _UNITS, nullable=False, server_default=text("0")),
    Column("warm_high_units", _UNITS, nullable=False, server_default=text("0")),
    CheckConstraint(
        "hot_low_units <= hot_target_units AND hot_target_units <= hot_high_units", name="hot"
    ),
    CheckConstraint("review_units <= four_eyes_units", name="review"),
    CheckConstraint(
        "warm_low_units <= warm_target_units AND warm_target_units <= warm_high_units", name="warm"
    ),
)

chain_policies = Table(
    "chain_policies",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("withdrawal_confirmations", Integer, nullable=False),
    Column("bump_after_seconds", Integer, nullable=False),
    Column("batch_window_seconds", Integer, nullable=False),
    Column("fee_rate_floor", _UNITS, nullable=False),  # sat per kvB; wei per gas.
    Column("fee_rate_cap", _UNITS, nullable=False),
    Column("fee_rate_default", _UNITS, nullable=False),  # When the estimator has nothing to say.
    Column("sweep_fee_rate_cap", _UNITS, nullable=False),
    Column("block_seconds", Integer, nullable=False),
    # Tokens are gathered by delegation (EIP-7702); false: each address is sent its gas.
    Column("delegate_sweeps", Boolean, nullable=False, server_default=text("true")),
    CheckConstraint(
        "fee_rate_floor <= fee_rate_default AND fee_rate_default <= fee_rate_cap", name="fee_rate"
    ),
)

confirmation_policies = Table(
    "confirmation_policies",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("units_min", _UNITS, primary_key=True),  # The largest that fits rules.
    Column("credit_confirmations", Integer, nullable=False),
    Column("withdrawable_confirmations", Integer, nullable=False),
    CheckConstraint(
        "1 <= credit_confirmations AND credit_confirmations <= withdrawable_confirmations",
        name="order",
    ),
)

switches = Table(
    "switches",
    metadata,
    Column("name", Text, primary_key=True),  # withdrawals, credits, sweeps: the global stops.
    Column("is_on", Boolean, nullable=False, server_default=text("true")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("officer", Text, nullable=False, server_default=text("''")),
    Column("changed_at", _TIME, nullable=False, server_default=_NOW),
)

# Deposits.

deposits = Table(
    "deposits",
    metadata,
    Column("id", Text, primary_key=True),  # {chain}:{txid}:{index}
    Column("chain", Text, nullable=False),
    Column("txid", Text, nullable=False),
    Column("index", Integer, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", _UNITS, nullable=False),
    Column("address", Text, nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("height", BigInteger),  # Null: in no block of the chain we follow.
    Column("block_hash", Text),
    Column("credit_confirmations", Integer, nullable=False),
    Column("withdrawable_confirmations", Integer, nullable=False),
    Column("credited_units", _UNITS, nullable=False, server_default=text("0")),  # In the ledger.
    Column("covered_units", _UNITS, nullable=False, server_default=text("0")),  # By the house.
    Column("reversals", Integer, nullable=False, server_default=text("0")),
    Column("screening", JSONB),
    Column("reason", Text, nullable=False, server_default=text("''")),  # Why held, suspended.
    Column("first_seen_at", _TIME, nullable=False, server_default=_NOW),
    Column("credited_at", _TIME),
    Column("withdrawable_at", _TIME),
    Column("swept_at", _TIME),
    Column("sweep_payment_id", Text),
    Column("has_news", Boolean, nullable=False, server_default=text("true")),  # Tell its workflow.
    Column("nudged_at", _TIME),  # When its workflow was last told, in this status.
    Column("changed_at", _TIME, nullable=False, server_default=_NOW),
    UniqueConstraint("chain", "txid", "index"),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("(height IS NULL) = (block_hash IS NULL)", name="block"),
    CheckConstraint("credited_units = 0 OR credited_units = units", name="credited_once"),
    one_of("status", DepositStatus),
    Index("ix_deposits_customer", "customer_id", "first_seen_at"),
    Index("ix_deposits_block", "chain", "height"),
    Index(
        "ix_deposits_unfinished",
        "chain",
        postgresql_where=text("has_news OR height IS NULL OR status IN ('confirming', 'credited')"),
    ),
)

deposit_events = Table(
    "deposit_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("deposit_id", Text, ForeignKey("deposits.id"), nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("event", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("ix_deposit_events_deposit", "deposit_id", "id"),
)

# Withdrawals.

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Text, primary_key=True),  # UUID
    Column("customer_id", BigInteger, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # SHA-256 of what was asked.
    Column("kind", Text, nullable=False, server_default=text(f"'{WithdrawalKind.CHAIN}'")),
    Column("asset", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("units", _UNITS, nullable=False),  # What the payee receives.
    Column("fee_units", _UNITS, nullable=False),  # Quoted, in the same asset, on top.
    Column("address", Text, nullable=False),
    Column("memo", Text, nullable=False, server_default=text("''")),
    Column("payee_customer_id", BigInteger),  # Internal transfers.
    Column("status", Text, nullable=False),
    Column("risk_score", Integer, nullable=False, server_default=text("0")),
    Column("approvals_needed", Integer, nullable=False, server_default=text("0")),
    Column("approvals", JSONB, nullable=False, server_default=text("'[]'")),  # officer, at, note
    Column("reason", Text, nullable=False, server_default=text("''")),  # Why it waits.
    Column("screening", JSONB),
    Column("payment_id", Text),
    Column("txid", Text),  # Of the attempt that is on its way, or that confirmed.
    Column("network_fee_units", _UNITS),  # Actual share, in the chain's own coin.
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("approved_at", _TIME),
    Column("broadcast_at", _TIME),
    Column("confirmed_at", _TIME),
    Column("has_news", Boolean, nullable=False, server_default=text("true")),  # Tell its workflow.
    Column("nudged_at", _TIME),
    Column("changed_at", _TIME, nullable=False, server_default=_NOW),
    UniqueConstraint("customer_id", "idempotency_key"),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("fee_units >= 0", name="fee_units"),
    one_of("status", WithdrawalStatus),
    one_of("kind", WithdrawalKind),
    Index("ix_withdrawals_customer", "customer_id", "created_at"),
    Index(
        "ix_withdrawals_open",
        "status",
        "chain",
        postgresql_where=text("status NOT IN ('done', 'cancelled', 'rejected')"),
    ),
    Index("ix_withdrawals_payment", "payment_id"),
)

withdrawal_events = Table(
    "withdrawal_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("withdrawal_id", Text, ForeignKey("withdrawals.id"), nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("event", Text, nullable=False),
    Column("officer", Text, nullable=False, server_default=text("''")),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("ix_withdrawal_events_withdrawal", "withdrawal_id", "id"),
)

address_book = Table(
    "address_book",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("chain", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("memo", Text, nullable=False, server_default=text("''")),
    Column("label", Text, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("usable_at", _TIME, nullable=False),  # Created plus the time lock.
    Column("removed_at", _TIME),
    Column("travel_rule", JSONB),  # Who the beneficiary is, IVMS101-shaped, where the law asks.
    Index(
        "uq_address_book_entry",
        "customer_id",
        "chain",
        "address",
        "memo",
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
)

withdrawal_settings = Table(
    "withdrawal_settings",
    metadata,
    Column("customer_id", BigInteger, primary_key=True),
    Column("allow_list_only", Boolean, nullable=False, server_default=text("false")),
    Column("allow_list_off_at", _TIME),  # Switching it off waits until then.
    Column("held_until", _TIME),  # After a change of password, 2FA ...
    Column("held_reason", Text, nullable=False, server_default=text("''")),
)
