"""Money on its way out: payments, their signed attempts, the inputs and nonces they hold.

A *payment* is one family of chain transactions: the same inputs or the same nonce, and the same
payees, however often its fee is raised. Its *attempts* are the signed transactions, of which at
most one can confirm. Withdrawals, sweeps, gas fundings and gap fillers are all paid by payments.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
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

from domain.payment import AttemptStatus, PaymentKind, PaymentStatus
from storage.metadata import metadata
from storage.tables_custody import one_of

_NOW = func.now()
_TIME = DateTime(timezone=True)
_UNITS = Numeric(78, 0)

payments = Table(
    "payments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("chain", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text(f"'{PaymentStatus.RESERVED}'")),
    Column("from_address", Text, nullable=False),  # The hot wallet, or the deposit address swept.
    Column("wallet_id", Text, ForeignKey("wallets.id")),  # Null: paid from deposit addresses.
    Column("nonce", BigInteger),  # Ethereum; fixed for the life of the payment.
    Column("asset", Text, nullable=False),
    Column("units", _UNITS, nullable=False),  # Sum of the outputs.
    Column("txid", Text),  # Of the attempt that confirmed.
    Column("height", BigInteger),
    Column("block_hash", Text),
    Column("fee_units", _UNITS),  # Actual, of the attempt that confirmed, in the chain's own coin.
    Column("workflow_id", Text, nullable=False),  # Who drives it: the first payee's, or a sweep.
    Column("has_news", Boolean, nullable=False, server_default=text("false")),
    Column("nudged_at", _TIME),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("posted_at", _TIME),  # When the ledger took it in.
    CheckConstraint("(nonce IS NOT NULL) = (chain = 'ethereum')", name="nonce"),
    one_of("kind", PaymentKind),
    one_of("status", PaymentStatus),
    UniqueConstraint("chain", "from_address", "nonce"),
    Index("ix_payments_open", "chain", postgresql_where=text("posted_at IS NULL")),
)

payment_outputs = Table(
    "payment_outputs",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("withdrawal_id", Text, ForeignKey("withdrawals.id")),
    Column("address", Text, nullable=False),
    Column("units", _UNITS, nullable=False),
    # One withdrawal, one payee output, for ever: the row that makes paying twice impossible.
    UniqueConstraint("withdrawal_id"),
    CheckConstraint("units >= 0", name="units"),
)

payment_sources = Table(
    "payment_sources",  # Deposit addresses whose tokens one transaction gathers.
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("units", _UNITS, nullable=False),
    Column("authorization_nonce", BigInteger),  # Null: the address delegates already.
    # An authorization is signed for one payment only.
    UniqueConstraint("address", "authorization_nonce"),
    CheckConstraint("units > 0", name="units"),
    Index("ix_payment_sources_address", "address"),
)

payment_attempts = Table(
    "payment_attempts",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", Text, nullable=False, server_default=text(f"'{AttemptStatus.PLANNED}'")),
    # The plan: committed before anything is signed, never changed afterwards.
    Column("fee_rate", _UNITS, nullable=False),  # sat per kvB; max fee per gas.
    Column("tip_rate", _UNITS),  # Ethereum: max priority fee per gas.
    Column("gas_limit", BigInteger),
    Column("fee_units_max", _UNITS, nullable=False),  # Bitcoin: exactly the fee.
    Column("input_count", Integer),  # Bitcoin: the first so many reservations, by position.
    Column("change_units", _UNITS),  # Bitcoin: null when there is no change output.
    Column("reason", Text, nullable=False, server_default=text("''")),  # first, timer, alice.
    # What the signer made of it: stored once, before anything is broadcast.
    Column("raw", LargeBinary),
    Column("txid", Text, unique=True),
    Column("planned_at", _TIME, nullable=False, server_default=_NOW),
    Column("signed_at", _TIME),
    Column("broadcasts", Integer, nullable=False, server_default=text("0")),
    Column("first_broadcast_at", _TIME),
    Column("last_broadcast_at", _TIME),
    Column("seen_at", _TIME),
    Column("node_answer", Text, nullable=False, server_default=text("''")),
    CheckConstraint("(raw IS NULL) = (txid IS NULL)", name="signed"),
    CheckConstraint("fee_units_max >= 0", name="fee_units_max"),
    one_of("status", AttemptStatus),
)

signatures = Table(
    "signatures",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("input", Integer, primary_key=True),  # Ethereum: 0.
    Column("digest", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),  # KMS alias, or the path under the deposit seed.
    Column("at", _TIME, nullable=False, server_default=_NOW),
    ForeignKeyConstraint(
        ["payment_id", "attempt"], ["payment_attempts.payment_id", "payment_attempts.attempt"]
    ),
)

utxos = Table(
    "utxos",
    metadata,
    Column("txid", Text, primary_key=True),
    Column("vout", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("script", LargeBinary, nullable=False),
    Column("units", _UNITS, nullable=False),
    Column("wallet_id", Text, ForeignKey("wallets.id")),  # Null: it stands on a deposit address.
    Column("height", BigInteger),  # Null: not in a block of the chain we follow.
    Column("block_hash", Text),
    Column("spent_txid", Text),
    Column("spent_height", BigInteger),
    Column("spent_block_hash", Text),
    Column("first_seen_at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("(height IS NULL) = (block_hash IS NULL)", name="block"),
    Index("ix_utxos_unspent", "wallet_id", "units", postgresql_where=text("spent_txid IS NULL")),
    Index("ix_utxos_address", "address"),
)

utxo_reservations = Table(
    "utxo_reservations",
    metadata,
    # The primary key is the promise: an output is never an input of two payments.
    Column("txid", Text, primary_key=True),
    Column("vout", Integer, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("position", Integer, nullable=False),  # Order of the inputs.
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    ForeignKeyConstraint(["txid", "vout"], ["utxos.txid", "utxos.vout"]),
    UniqueConstraint("payment_id", "position"),
)

nonces = Table(
    "nonces",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("nonce", BigInteger, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
)

# Treasury and reconciliation.

refill_requests = Table(
    "refill_requests",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("asset", Text, nullable=False),
    Column("from_wallet_id", Text, ForeignKey("wallets.id"), nullable=False),
    Column("to_wallet_id", Text, ForeignKey("wallets.id"), nullable=False),
    Column("units", _UNITS, nullable=False),
    Column("unsigned", Text, nullable=False),  # A PSBT; an unsigned transaction.
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("txid", Text),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint("status IN ('open', 'sent', 'done', 'cancelled')", name="status"),
    Index(
        "uq_refill_requests_open",
        "asset",
        "from_wallet_id",
        "to_wallet_id",
        unique=True,
        postgresql_where=text("status = 'open'"),
    ),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("ledger_units", _UNITS, nullable=False),  # What the books say is on the chain.
    Column("chain_units", _UNITS, nullable=False),
    Column("difference_units", _UNITS, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    UniqueConstraint("run_id", "asset"),
    Index("ix_reconciliations_asset", "asset", "at"),
)
