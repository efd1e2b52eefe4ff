"""Tables of the ledger and of orders. Amounts are whole units, as large as any chain's 256 bits.

Balances and holds are not written by the application at all: the database's own trigger
`apply_transfers` moves them when transfers are inserted, and refuses transfers that do not fit.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.metadata import metadata

UNITS = Numeric(78, 0, asdecimal=True)
HASH = LargeBinary(32)
_TIME = DateTime(timezone=True)
_NOW = func.now()

assets = Table(
    "assets",
    metadata,
    Column("code", Text, primary_key=True),
    Column("scale", SmallInteger, nullable=False),
    Column("chain", Text, nullable=False),
    Column("contract", Text),  # Lower-case token contract; null for a chain's own coin.
    CheckConstraint("scale BETWEEN 0 AND 36", name="scale"),
)

markets = Table(
    "markets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("base", Text, ForeignKey("assets.code"), nullable=False),
    Column("quote", Text, ForeignKey("assets.code"), nullable=False),
    Column("tick_units", UNITS, nullable=False),
    Column("lot_units", UNITS, nullable=False),
    Column("notional_min_units", UNITS, nullable=False),
    Column("lots_max", BigInteger, nullable=False),
    Column("price_ticks_max", BigInteger, nullable=False),
    CheckConstraint("tick_units > 0 AND lot_units > 0", name="steps"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("asset", Text, ForeignKey("assets.code"), nullable=False),
    Column("customer_id", BigInteger),
    Column("market", Text),
    Column("balance", UNITS, nullable=False, server_default=text("0")),
    # Number of the account's newest leg, and the hash that chains all its legs.
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("head", HASH, nullable=False, server_default=text("''::bytea")),
    Column("opened_at", _TIME, nullable=False, server_default=_NOW),
    # When the newest leg was posted. Never earlier than the leg before, whatever the clock does.
    Column("moved_at", _TIME, nullable=False, server_default=_NOW),
    # Who may update any column may lock the row; this is the one column the application may.
    Column("remark", Text),
    CheckConstraint(
        "balance >= 0 OR kind IN ('deposit_wallet', 'hot_wallet', 'cold_wallet', 'network_fee',"
        " 'warm_wallet')",
        name="balance_not_negative",
    ),
    CheckConstraint(
        "(kind IN ('customer_available', 'customer_held')) = (customer_id IS NOT NULL)",
        name="customer_accounts_have_a_customer",
    ),
    UniqueConstraint(
        "customer_id",
        "asset",
        "kind",
        "market",
        name="uq_accounts_ref",
        postgresql_nulls_not_distinct=True,
    ),
    # Room for the balance to change in place, without new index entries.
    postgresql_with={"fillfactor": 60},
)

journal_entries = Table(
    "journal_entries",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("body_hash", HASH, nullable=False),
    Column("reverses", BigInteger),  # Number of the entry this one undoes.
    Column("posted_at", _TIME, nullable=False),
    Index(
        "uq_journal_entries_reverses",
        "reverses",
        unique=True,
        postgresql_where=text("reverses IS NOT NULL"),
    ),
)

transfers = Table(
    "transfers",
    metadata,
    Column("entry_number", BigInteger, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", UNITS, nullable=False),
    Column("hold_id", Text),
    Column("debit_account", BigInteger, nullable=False),
    Column("debit_sequence", BigInteger, nullable=False),
    Column("debit_balance", UNITS, nullable=False),  # After this transfer.
    Column("debit_hash", HASH, nullable=False),
    Column("credit_account", BigInteger, nullable=False),
    Column("credit_sequence", BigInteger, nullable=False),
    Column("credit_balance", UNITS, nullable=False),
    Column("credit_hash", HASH, nullable=False),
    Column("posted_at", _TIME, nullable=False),
    PrimaryKeyConstraint("entry_number", "ordinal"),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("debit_account <> credit_account", name="two_accounts"),
    UniqueConstraint("debit_account", "debit_sequence", name="uq_transfers_debit"),
    UniqueConstraint("credit_account", "credit_sequence", name="uq_transfers_credit"),
    # Rows come in the order of time, so a few pages of ranges find any period.
    Index("ix_transfers_posted_at", "posted_at", postgresql_using="brin"),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", BigInteger, nullable=False),  # The customer's held account of the asset.
    Column("units", UNITS, nullable=False),  # All that was ever put into it.
    Column("remaining", UNITS, nullable=False),
    Column("expires_at", _TIME),
    CheckConstraint("remaining >= 0 AND remaining <= units", name="remaining"),
    # What expiry looks for: few rows, as orders do not expire by time here.
    Index(
        "ix_holds_expiring",
        "expires_at",
        postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
    ),
    Index("ix_holds_open", "account_id", postgresql_where=text("remaining > 0")),
    postgresql_with={"fillfactor": 80},
)

refused_entries = Table(
    "refused_entries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body_hash", HASH, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("refused_at", _TIME, nullable=False, server_default=_NOW),
)

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("market", Text, nullable=False),
    Column("client_order_id", Text),
    Column("side", Text, nullable=False),
    Column("kind", Text, nullable=False),  # The customer's word: limit, market, stop_limit, ...
    Column("terms", SmallInteger, nullable=False),  # Bits of engine.commands.
    Column("price_ticks", BigInteger, nullable=False),  # The worst price accepted.
    Column("lots", BigInteger, nullable=False),
    Column("trigger_kind", SmallInteger, nullable=False, server_default=text("0")),
    Column("trigger", BigInteger, nullable=False, server_default=text("0")),
    Column("display_lots", BigInteger, nullable=False, server_default=text("0")),
    Column("budget", BigInteger, nullable=False, server_default=text("0")),  # Tick-lots.
    Column("expires_us", BigInteger, nullable=False, server_default=text("0")),
    # Whose hold covers this order: its own, but for the second leg of a pair.
    Column("hold_order_id", BigInteger, nullable=False),
    Column("command_id", BigInteger, nullable=False),  # The command that places it.
    Column("options", JSONB),  # What only the API needs to show the order as it was asked for.
    Column("maker_fee_ppm", Integer, nullable=False),
    Column("taker_fee_ppm", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("filled_lots", BigInteger, nullable=False, server_default=text("0")),
    Column("filled_quote_units", UNITS, nullable=False, server_default=text("0")),
    Column("fee_units", UNITS, nullable=False, server_default=text("0")),  # Of what it received.
    Column("reason", SmallInteger),  # Why it ended: a reason of engine.events.
    Column("placed_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    Column("last_sequence", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("side IN ('buy', 'sell')", name="side"),
    CheckConstraint(
        "status IN ('placed', 'open', 'filled', 'canceled', 'expired', 'rejected')", name="status"
    ),
    CheckConstraint("(closed_at IS NULL) = (status IN ('placed', 'open'))", name="closed_at"),
    CheckConstraint("filled_lots BETWEEN 0 AND lots", name="filled"),
    Index(
        "uq_orders_client_order_id",
        "customer_id",
        "client_order_id",
        unique=True,
        postgresql_where=text("client_order_id IS NOT NULL"),
    ),
    # By closed_at, which changes once: an order's other changes then touch no index.
    Index("ix_orders_open", "customer_id", postgresql_where=text("closed_at IS NULL")),
    Index("ix_orders_customer", "customer_id", "id"),
    Index("ix_orders_pair", "hold_order_id", postgresql_where=text("hold_order_id <> id")),
    postgresql_with={"fillfactor": 70},
)

order_commands = Table(
    "order_commands",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("owner", BigInteger, nullable=False),  # Customer, or 0 for the exchange itself.
    Column("order_id", BigInteger),
    Column("command", ARRAY(BigInteger), nullable=False),  # The tuple of engine.commands.
    Column("created_at", _TIME, nullable=False),
    Column("sent_at", _TIME),
    Index("ix_order_commands_unsent", "id", postgresql_where=text("sent_at IS NULL")),
    postgresql_with={"fillfactor": 80},
)

trades = Table(
    "trades",
    metadata,
    Column("market", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("price_ticks", BigInteger, nullable=False),
    Column("lots", BigInteger, nullable=False),
    Column("taker_side", Text, nullable=False),
    Column("maker_order_id", BigInteger, nullable=False),
    Column("taker_order_id", BigInteger, nullable=False),
    Column("maker_id", BigInteger, nullable=False),
    Column("taker_id", BigInteger, nullable=False),
    Column("maker_fee_units", UNITS, nullable=False),  # In the asset the maker received.
    Column("taker_fee_units", UNITS, nullable=False),
    Column("traded_at", _TIME, nullable=False),
    PrimaryKeyConstraint("market", "id"),
    Index("ix_trades_maker", "maker_id", "market", "id"),
    Index("ix_trades_taker", "taker_id", "market", "id"),
)

settlement_cursors = Table(
    "settlement_cursors",
    metadata,
    Column("market", Text, primary_key=True),
    Column("next_sequence", BigInteger, nullable=False, server_default=text("1")),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("settled_at", _TIME, nullable=False, server_default=_NOW),
    Column("halted_at", _TIME),  # Since when trading is halted because settlement lags.
    postgresql_with={"fillfactor": 50},
)

trading_volumes = Table(
    "trading_volumes",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("market", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("quote_units", UNITS, nullable=False),
    PrimaryKeyConstraint("customer_id", "market", "day"),
    postgresql_with={"fillfactor": 70},
)

traded_values = Table(
    "traded_values",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("hour", _TIME, nullable=False),
    Column("value_units", UNITS, nullable=False),  # Of the reference asset; see compliance.tiers.
    PrimaryKeyConstraint("customer_id", "hour"),
    postgresql_with={"fillfactor": 70},
)

fee_rates = Table(
    "fee_rates",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("market", Text),  # Null: every market.
    Column("customer_id", BigInteger),  # Null: every customer; else a promotion for one.
    Column(
        "volume_min_units", UNITS, nullable=False, server_default=text("0")
    ),  # 30 days, USDT units.
    Column("maker_fee_ppm", Integer, nullable=False),
    Column("taker_fee_ppm", Integer, nullable=False),
    Column("valid_from", _TIME, nullable=False, server_default=_NOW),
    Column("valid_until", _TIME),
    CheckConstraint(
        "maker_fee_ppm BETWEEN 0 AND 100000 AND taker_fee_ppm BETWEEN 0 AND 100000", name="fees"
    ),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("actor", Text, nullable=False),  # customer:1001, staff:alice, workflow:..., system
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("ix_audit_log_subject", "subject", "at"),
)

ledger_seals = Table(
    "ledger_seals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed_at", _TIME, nullable=False),
    Column("accounts", BigInteger, nullable=False),  # Sealed by this seal: those that moved.
    Column("hash", HASH, nullable=False),  # Over the previous seal's hash and these accounts.
)

sealed_accounts = Table(
    "sealed_accounts",
    metadata,
    Column("seal", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("balance", UNITS, nullable=False),
    Column("head", HASH, nullable=False),
    PrimaryKeyConstraint("account_id", "seal"),
)

order_ids = Sequence("order_ids", metadata=metadata, start=1000, increment=1000)
command_ids = Sequence("command_ids", metadata=metadata, start=1000, increment=1000)
entry_numbers = Sequence("entry_numbers", metadata=metadata, start=1000, increment=1000)
"""Each value taken opens a block of 1,000 numbers, [value, value + 999]: callers rarely ask."""
