"""Proof of reserves on real nodes, a real ledger and real KMS, checked by both verifiers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rialto_client import verify_reserves
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.chain_tie import ChainTie, MovedOn
from activities.challenges import ChallengeSigning
from activities.listening.bitcoin import BitcoinReader
from activities.listening.ethereum import EthereumReader
from activities.reserves import (
    CountedBlock,
    CountReserves,
    ReserveActivities,
    ReserveCounting,
    TakeLiabilities,
)
from activities.signing import KeyRing
from api.v1.reserves import bundle_answer, leaf_answer
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack.rented import Database, RentedStack
from domain.errors import UnknownReserves
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage import reserves
from storage.engine import create_engine
from storage.ledger import Ledger
from streams.aws import client
from tests.chains.house import follow
from tests.clients.reserves_verifiers import Case, by_browser, by_program
from tests.workers.custody_house import Custody, open_custody

pytestmark = pytest.mark.stack

OWED = {9101: ("BTC", 12_345), 9102: ("ETH", 10**18), 9103: ("USDT", 5_000_000)}


@pytest.fixture(scope="module")
async def custody(
    stack: RentedStack,
    database: Database,
    aws: None,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
    owner: AsyncEngine,
) -> AsyncIterator[Custody]:
    async with open_custody(stack, database, owner, bitcoin, ethereum) as found:
        await follow(owner, EthereumReader(ethereum), start_height=await _height(ethereum))
        ledger = await Ledger.open(owner)
        for customer, (asset, units) in OWED.items():
            await owe(ledger, customer, asset, units)
        await ledger.close()
        yield found


async def _height(node: EthereumNode) -> int:
    return (await node.tip())[0]


async def owe(ledger: Ledger, customer: int, asset: str, units: int) -> None:
    """Out of the house's capital, so that the coins are there."""
    code = AssetCode(asset)
    async with ledger.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO customers (id, email) OVERRIDING SYSTEM VALUE VALUES ($1, $2)"
            " ON CONFLICT DO NOTHING",
            customer,
            f"{customer}@example.com",
        )
    transfer = Transfer(
        house(AccountKind.HOUSE_CAPITAL, code), available(CustomerId(customer), code), units
    )
    entry_id = EntryId(f"test-owed:{customer}:{asset}")
    await ledger.post(JournalEntry(entry_id, EntryReason.DEPOSIT, "a test", (transfer,), ()))


class Prover:
    """The workflow's steps, by hand."""

    def __init__(self, custody: Custody, database: Database) -> None:
        self.worker, self.signer = create_engine(database.worker), create_engine(database.signer)
        tie = ChainTie(self.worker, custody.bitcoin, custody.ethereum)
        self.counting = ReserveCounting(self.worker, tie)
        self.ledger = ReserveActivities(self.worker)
        self.signing = ChallengeSigning(self.signer, KeyRing(client("kms")), network("regtest"))

    async def take(self, bundle: str) -> list[CountedBlock]:
        counted = await self.counting.count_reserves(CountReserves(bundle=bundle, chain="bitcoin"))
        taken = await self.ledger.take_liabilities(
            TakeLiabilities(bundle=bundle, counted=[counted])
        )
        assert not taken.has_moved
        for block in taken.blocks:
            if block.chain == "ethereum":
                await self.counting.count_reserves(
                    CountReserves(bundle=bundle, chain="ethereum", at=block)
                )
        return taken.blocks

    async def sign(self, bundle: str) -> int:
        return await ActivityEnvironment().run(self.signing.sign_challenges, bundle)

    async def close(self) -> None:
        await self.worker.dispose()
        await self.signer.dispose()


@pytest.fixture(scope="module")
async def prover(custody: Custody, database: Database) -> AsyncIterator[Prover]:
    made = Prover(custody, database)
    yield made
    await made.close()


async def published(owner: AsyncEngine, bundle: str, customer: int) -> Case:
    async with owner.connect() as connection:
        found = await reserves.read_bundle(connection, bundle)
        leaf, steps = await reserves.read_leaf(connection, found, customer)
        everybody = await reserves.read_leaves(connection, bundle)
    return Case(
        bundle_answer(found).model_dump(mode="json"),
        leaf_answer(found, leaf, steps).model_dump(mode="json"),
        [leaf_answer(found, each, []).model_dump(mode="json") for each in everybody],
        str(customer),
    )


async def test_a_real_bundle_is_accepted_by_both_verifiers(
    custody: Custody, prover: Prover, tmp_path: Path
):
    await prover.take("day-1")
    signed = await prover.sign("day-1")
    again = await prover.sign("day-1")
    outcome = await prover.ledger.publish_reserves("day-1")

    case = await published(custody.owner, "day-1", 9101)
    status, told = by_program(case, tmp_path)
    assert outcome.is_published
    assert (signed >= 2, again) == (True, 0)
    assert status == 0, told
    assert by_browser([case], tmp_path) == [""]
    assert case.leaf is not None
    assert case.leaf["sums"]["BTC"] == "12345"
    assert {each["asset"] for each in case.bundle["reserves"]} == {"BTC", "ETH", "USDT"}
    assert {each["address"] for each in case.bundle["signatures"]} >= {
        custody.hot_bitcoin,
        custody.hot_ethereum,
    }


async def test_what_was_counted_is_what_node_and_ledger_say(custody: Custody, prover: Prover):
    case = await published(custody.owner, "day-1", 9102)

    [hot] = [e for e in case.bundle["reserves"] if e["address"] == custody.hot_bitcoin]
    scan = await custody.bitcoin.call("scantxoutset", "start", [f"addr({custody.hot_bitcoin})"])
    assert int(hot["units"]) == round(float(scan["total_amount"]) * 10**8)
    async with custody.owner.connect() as connection:
        owed = await connection.execute(
            text(
                "SELECT asset, sum(balance) AS units FROM accounts"
                " WHERE kind IN ('customer_available', 'customer_held') GROUP BY asset"
            )
        )
        assert {row.asset: str(int(row.units)) for row in owed} == {
            asset: units for asset, units in case.bundle["root"]["sums"].items() if units != "0"
        }


async def test_every_bundle_has_new_nonces_and_old_proofs_do_not_fit(
    custody: Custody, prover: Prover
):
    await prover.take("day-2")
    await prover.sign("day-2")
    await prover.ledger.publish_reserves("day-2")
    old, new = [await published(custody.owner, day, 9101) for day in ("day-1", "day-2")]
    assert old.leaf is not None
    assert new.leaf is not None

    assert old.leaf["nonce"] != new.leaf["nonce"]
    verify_reserves.verify_leaf(new.leaf, new.bundle, "9101", [old.leaf])
    with pytest.raises(verify_reserves.BadProof, match="days"):
        verify_reserves.verify_leaf(old.leaf, new.bundle)
    with pytest.raises(verify_reserves.BadProof, match="signature"):
        verify_reserves.verify_bundle({**new.bundle, "signatures": old.bundle["signatures"]})


async def test_what_is_not_covered_is_not_published(custody: Custody, prover: Prover):
    ledger = await Ledger.open(custody.owner)
    await owe(ledger, 9104, "BTC", 39 * 10**8)
    await ledger.close()
    await prover.take("day-3")
    await custody.change(
        "UPDATE reserve_holdings SET units = 10 WHERE bundle = 'day-3' AND chain = 'bitcoin'"
    )
    await prover.sign("day-3")

    outcome = await prover.ledger.publish_reserves("day-3")

    assert not outcome.is_published
    assert [each.asset for each in outcome.coverage if not each.is_covered] == ["BTC"]
    async with custody.owner.connect() as connection:
        with pytest.raises(UnknownReserves):
            await reserves.read_bundle(connection, "day-3")
        assert (await reserves.read_bundle(connection)).id == "day-2"


async def test_liabilities_are_taken_at_the_counted_block_or_not_at_all(prover: Prover):
    moved = await prover.ledger.take_liabilities(
        TakeLiabilities(
            bundle="day-4", counted=[CountedBlock(chain="bitcoin", height=1, hash="00" * 32)]
        )
    )
    with pytest.raises(MovedOn):
        await prover.counting.count_reserves(
            CountReserves(
                bundle="day-4",
                chain="ethereum",
                at=CountedBlock(chain="ethereum", height=1, hash="0x" + "00" * 32),
            )
        )

    assert moved.has_moved
    with pytest.raises(ApplicationError) as refused:
        await prover.sign("day-4")
    assert refused.value.type == "unknown_reserves"


async def test_an_offline_wallet_counts_once_its_keeper_signed(
    custody: Custody, prover: Prover, bitcoin: BitcoinNode
):
    async with custody.owner.connect() as connection:
        cold = await connection.scalar(
            text("SELECT address FROM wallets WHERE id = 'cold-bitcoin'")
        )
    assert cold
    await bitcoin.wallet("miner").call("sendtoaddress", cold, "1.5")
    mine_to = await bitcoin.wallet("miner").call("getnewaddress")
    await bitcoin.call("generatetoaddress", 1, mine_to)
    await follow(custody.owner, BitcoinReader(bitcoin), start_height=0)
    await prover.take("day-5")
    await prover.sign("day-5")

    async with custody.owner.connect() as connection:
        waiting = await reserves.unsigned(connection, "day-5", 10)
        found = await reserves.read_bundle(connection, "day-5", published_only=False)
    [challenge] = [each for each in waiting if each.address == cold]
    answer = bundle_answer(found)
    assert [each.units for each in answer.unsigned if each.address == cold] == ["150000000"]
    assert cold not in {each.address for each in answer.reserves}
    assert challenge.text.startswith("Rialto proof of reserves, challenge 1\nbundle: day-5\n")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE reserve_bundles SET root_hash = E'x\\naddress: y' WHERE id = 'day-6'",
            "root is not",
        ),
        (
            (
                "UPDATE reserve_bundles SET blocks = jsonb_set(blocks, '{bitcoin,hash}', '\"a b\"')"
                " WHERE id = 'day-6'"
            ),
            "block_hash is not",
        ),
        (
            (
                "INSERT INTO reserve_holdings VALUES"
                " ('day-6', 'bitcoin', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'BTC', 1)"
            ),
            "no key of ours",
        ),
    ],
)
async def test_by_no_row_is_anything_but_a_challenge_signed(
    custody: Custody, prover: Prover, statement: str, reason: str
):
    async with custody.owner.connect() as connection:
        if not await reserves.is_taken(connection, "day-6"):
            await prover.take("day-6")
    await custody.change(statement)

    with pytest.raises(ApplicationError, match=reason) as refused:
        await prover.sign("day-6")

    assert refused.value.non_retryable
    async with custody.owner.connect() as connection:
        made = await connection.scalar(
            text("SELECT count(*) FROM reserve_signatures WHERE bundle = 'day-6'")
        )
    assert made == 0
    await custody.change(
        "UPDATE reserve_bundles SET root_hash = repeat('0', 64),"
        " blocks = jsonb_set(blocks, '{bitcoin,hash}', to_jsonb(repeat('0', 64)))"
        " WHERE id = 'day-6'"
    )


async def test_roles_read_and_write_what_they_need(database: Database):
    forbidden = {
        database.signer: [
            "SELECT nonce FROM reserve_nodes",
            "UPDATE reserve_holdings SET units = 1",
            "UPDATE reserve_signatures SET signature = ''",
        ],
        database.worker: [
            "UPDATE reserve_nodes SET sums = '{}'",
            "INSERT INTO reserve_signatures VALUES ('b', 'c', 'a', 'f', 's')",
        ],
        database.api: ["UPDATE reserve_bundles SET published_at = now()"],
    }
    for url, statements in forbidden.items():
        engine = create_engine(url)
        for statement in statements:
            with pytest.raises(DBAPIError, match="permission denied"):
                async with engine.begin() as connection:
                    await connection.execute(text(statement))
        await engine.dispose()
