"""Custody: what the chains said, keys and addresses, deposits, withdrawals, payments, treasury.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op
from sqlalchemy import Table

from storage import tables_custody as custody
from storage import tables_payments as out

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    custody.blocks,
    custody.chain_cursors,
    custody.chain_events,
    custody.wallets,
    custody.sealed_seeds,
    custody.xpubs,
    custody.deposit_addresses,
    custody.custody_assets,
    custody.chain_policies,
    custody.confirmation_policies,
    custody.switches,
    custody.deposits,
    custody.deposit_events,
    custody.withdrawals,
    custody.withdrawal_events,
    custody.address_book,
    custody.withdrawal_settings,
    out.payments,
    out.payment_outputs,
    out.payment_attempts,
    out.signatures,
    out.utxos,
    out.utxo_reservations,
    out.nonces,
    out.refill_requests,
    out.reconciliations,
)

_BTC, _ETH, _USDT = 10**8, 10**18, 10**6
_GWEI = 10**9

# In hundred-thousandths of a coin.
_ASSET_COLUMNS = (
    "deposit_min_units", "withdrawal_min_units", "withdrawal_fee_units", "review_units",
    "four_eyes_units", "hourly_units_max", "hot_low_units", "hot_target_units", "hot_high_units",
    "sweep_min_units",
)  # fmt: skip
_ASSETS = {
    "BTC": (_BTC, (10, 50, 10, 10**5, 10**6, 10**7, 10**5, 5 * 10**5, 10**8, 10**3)),
    "ETH": (_ETH, (100, 500, 100, 1_500_000, 10**7, 10**8, 10**6, 5 * 10**6, 10**9, 10**4)),
    "USDT": (
        _USDT,
        (
            10**5,
            5 * 10**5,
            10**5,
            5 * 10**9,
            5 * 10**10,
            5 * 10**11,
            5 * 10**9,
            10**10,
            10**13,
            5 * 10**6,
        ),
    ),
}

_SEEDS = {"sealed_seeds"}

GRANTS = (
    # The public API asks for withdrawals and hands out addresses; it moves nothing.
    "GRANT INSERT ON withdrawals, withdrawal_events, deposit_addresses TO rialto_api",
    "GRANT UPDATE (has_news, nudged_at) ON withdrawals TO rialto_api",
    "GRANT UPDATE (next_index) ON xpubs TO rialto_api",
    "GRANT INSERT, UPDATE ON address_book, withdrawal_settings TO rialto_api",
    # Only what the signer makes may the signer write.
    "GRANT UPDATE (status, raw, txid, signed_at) ON payment_attempts TO rialto_signer",
    "GRANT INSERT ON signatures TO rialto_signer",
    "GRANT SELECT (id, kyc_tier) ON customers TO rialto_signer",
    "GRANT UPDATE (verified_at) ON deposit_addresses TO rialto_signer",
    "GRANT SELECT ON sealed_seeds TO rialto_signer",
    # Workers do the rest, but no worker sees a seed or writes a signature.
    "GRANT DELETE ON utxo_reservations, payment_outputs TO rialto_worker",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rialto_api, rialto_worker",
)


def upgrade() -> None:
    for table in TABLES:
        table.create(op.get_bind())
    names = [table.name for table in TABLES if table.name not in _SEEDS]
    op.execute(f"GRANT SELECT ON {', '.join(names)} TO rialto_api, rialto_worker, rialto_signer")
    written = [name for name in names if name != "signatures"]
    op.execute(f"GRANT INSERT, UPDATE ON {', '.join(written)} TO rialto_worker")
    for grant in GRANTS:
        op.execute(grant)
    op.bulk_insert(custody.custody_assets, _asset_rows())
    op.bulk_insert(custody.chain_policies, _chain_rows())
    bands = [
        ("BTC", 0, 1, 3), ("BTC", _BTC, 3, 6),
        ("ETH", 0, 3, 6), ("ETH", 30 * _ETH, 12, 32),
        ("USDT", 0, 3, 6), ("USDT", 100_000 * _USDT, 12, 32),
    ]  # fmt: skip
    op.bulk_insert(custody.confirmation_policies, _rows(custody.confirmation_policies, bands))
    op.bulk_insert(
        custody.switches, [{"name": name} for name in ("withdrawals", "credits", "sweeps")]
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        table.drop(op.get_bind())


def _rows(table: Table, values: Sequence[tuple[object, ...]]) -> list[dict[str, object]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in values]


def _asset_rows() -> list[dict[str, object]]:
    return [
        {"asset": asset}
        | {
            name: parts * one // 100_000
            for name, parts in zip(_ASSET_COLUMNS, amounts, strict=True)
        }
        for asset, (one, amounts) in _ASSETS.items()
    ]


def _chain_rows() -> list[dict[str, object]]:
    bitcoin = {
        "chain": "bitcoin",
        "withdrawal_confirmations": 2,
        "bump_after_seconds": 1200,
        "batch_window_seconds": 2,
        "fee_rate_floor": 1_000,
        "fee_rate_cap": 300_000,
        "fee_rate_default": 5_000,
        "sweep_fee_rate_cap": 30_000,
        "block_seconds": 600,
    }
    ethereum = {
        "chain": "ethereum",
        "withdrawal_confirmations": 6,
        "bump_after_seconds": 120,
        "batch_window_seconds": 0,
        "fee_rate_floor": _GWEI // 100,
        "fee_rate_cap": 500 * _GWEI,
        "fee_rate_default": 20 * _GWEI,
        "sweep_fee_rate_cap": 50 * _GWEI,
        "block_seconds": 12,
    }
    return [bitcoin, ethereum]
