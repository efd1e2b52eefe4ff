"""A funded house with a signer, and the rows of approved withdrawals and their payments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.signing import KeyRing, SigningActivities
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack.rented import Database, RentedStack
from devstack.seed_chains import SeedSettings, seed
from domain.payment import PaymentKind, SignPayment
from storage import payments as storage_payments
from storage.engine import create_engine
from storage.payments import AttemptPlan, Coin, NewPayment, Payee
from storage.tables_custody import wallets, withdrawals
from storage.tables_payments import payment_attempts, utxos
from streams.aws import client
from tests.chains.house import follow
from tests.custody.addresses import continue_nonces

GWEI = 10**9
ETHER = 10**18


@dataclass(frozen=True)
class Custody:
    owner: AsyncEngine
    signing: SigningActivities
    bitcoin: BitcoinNode
    ethereum: EthereumNode
    hot_ethereum: str
    hot_bitcoin: str

    async def change(self, statement: str, **values: object) -> None:
        async with self.owner.begin() as connection:
            await connection.execute(text(statement), values)

    async def attempt(self, request: SignPayment):
        async with self.owner.connect() as connection:
            return (
                await connection.execute(
                    select(payment_attempts).where(
                        payment_attempts.c.payment_id == request.payment_id,
                        payment_attempts.c.attempt == request.attempt,
                    )
                )
            ).one()

    async def withdrawal(self, number: int, **changes: object) -> str:
        """An approved withdrawal by customer 7000 + number, reserved for payment p-{number}."""
        withdrawal_id, customer_id = f"w-{number}", 7000 + number
        row = {
            "id": withdrawal_id,
            "customer_id": customer_id,
            "idempotency_key": withdrawal_id,
            "fingerprint": "",
            "fee_units": 0,
            "status": "reserved",
            "payment_id": f"p-{number}",
            "approved_at": text("now()"),
            **changes,
        }
        async with self.owner.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO customers (id, email, kyc_tier) OVERRIDING SYSTEM VALUE"
                    " VALUES (:id, :email, 2)"
                ),
                {"id": customer_id, "email": f"{number}@example.com"},
            )
            await connection.execute(insert(withdrawals).values(**row))
            await connection.execute(
                text(
                    "INSERT INTO limited_flows (customer_id, flow, reference, value_units)"
                    " VALUES (:id, 'withdraw', :reference, 3000000000)"
                ),
                {"id": customer_id, "reference": f"withdrawal/{withdrawal_id}"},
            )
        return withdrawal_id

    async def pay_bitcoin(
        self,
        payment_id: str,
        payees: Sequence[Payee],
        coins: Sequence[Coin],
        plan: AttemptPlan,
        kind: PaymentKind = PaymentKind.WITHDRAWAL,
    ) -> SignPayment:
        is_sweep = kind is PaymentKind.SWEEP
        async with self.owner.begin() as connection:
            await storage_payments.create(
                connection,
                NewPayment(
                    id=payment_id,
                    chain="bitcoin",
                    kind=kind,
                    asset="BTC",
                    from_address=self.hot_bitcoin,
                    wallet_id=None if is_sweep else "hot-bitcoin",
                    workflow_id=payment_id,
                    payees=payees,
                    inputs=coins,
                    plan=plan,
                ),
            )
        return SignPayment(payment_id, 1)

    async def coins(self, wallet_id: str | None, count: int) -> list[Coin]:
        """Confirmed coins nobody reserved: of the wallet, or of deposit addresses."""
        where = utxos.c.wallet_id.is_(None) if wallet_id is None else utxos.c.wallet_id == wallet_id
        async with self.owner.connect() as connection:
            rows = await connection.execute(
                select(utxos.c.txid, utxos.c.vout, utxos.c.units)
                .where(
                    where,
                    utxos.c.spent_txid.is_(None),
                    text("(txid, vout) NOT IN (SELECT txid, vout FROM utxo_reservations)"),
                )
                .order_by(utxos.c.units.desc(), utxos.c.txid, utxos.c.vout)
                .limit(count)
            )
            return [Coin(row.txid, row.vout, int(row.units)) for row in rows]


@asynccontextmanager
async def open_custody(
    stack: RentedStack,
    database: Database,
    owner: AsyncEngine,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
) -> AsyncIterator[Custody]:
    settings = SeedSettings(
        database_url=database.owner,
        bitcoin_rpc_url=stack.env["RIALTO_BITCOIN_RPC_URL"],
        ethereum_rpc_url=stack.env["RIALTO_ETHEREUM_RPC_URL"],
    )
    await seed(settings)
    await seed(settings)  # Again, as every start of a stack does.
    await continue_nonces(owner, ethereum)
    # From genesis: a module before this one may have funded the same hot wallet.
    await follow(owner, BitcoinReader(bitcoin), start_height=0)
    engine = create_engine(database.signer)
    signing = SigningActivities(
        engine, KeyRing(client("kms")), network=network("regtest"), chain_id=31337
    )
    async with owner.connect() as connection:
        rows = (await connection.execute(select(wallets.c.id, wallets.c.address))).all()
        found = {row.id: row.address for row in rows}
    yield Custody(owner, signing, bitcoin, ethereum, found["hot-ethereum"], found["hot-bitcoin"])
    await engine.dispose()
