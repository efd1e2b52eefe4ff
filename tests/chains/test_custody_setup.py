"""Custody is set up once: a second time changes nothing, and nothing stored is ever replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.custody_setup import SEED_ID, SEED_KEY, open_wallets, seal_deposit_seed
from chains.bitcoin.network import network
from chains.hd import ExtendedPublicKey
from chains.keys import open_seed
from devstack.rented import Database, RentedStack
from domain.errors import WrongState
from storage import custody_keys
from storage.engine import create_engine
from storage.migrate import migrate
from streams.aws import client

pytestmark = pytest.mark.stack

REGTEST = network("regtest")
OFFLINE = {
    "warm-bitcoin": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "cold-bitcoin": "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
    "warm-ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "cold-ethereum": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
}


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.owner)
    yield engine
    await engine.dispose()


async def rows(engine: AsyncEngine, query: str) -> Sequence[Any]:
    async with engine.connect() as connection:
        return (await connection.execute(text(query))).all()


def keys(
    database: Database, *words: str, network_name: str = "regtest"
) -> subprocess.CompletedProcess[str]:
    """The command as it runs in production: with nothing but its own environment."""
    ours = {"RIALTO_DATABASE_URL": database.owner, "RIALTO_BITCOIN_NETWORK": network_name}
    others = {name: value for name, value in os.environ.items() if not name.startswith("RIALTO_")}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "keys", *words],
        env={**others, **ours},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_seed_is_made_once_and_only_fingerprints_are_told(
    aws: None, owner: AsyncEngine, database: Database
):
    first = keys(database, "seal-seed")
    stored = await rows(owner, "SELECT id, key_id, ciphertext FROM sealed_seeds")
    second = keys(database, "seal-seed")

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "made now" in first.stdout
    assert second.stdout == first.stdout.replace("made now", "there already")
    assert await rows(owner, "SELECT id, key_id, ciphertext FROM sealed_seeds") == stored
    [(seed_id, key_id, sealed)] = stored
    assert (seed_id, key_id) == (SEED_ID, SEED_KEY)
    root = await open_seed(client("kms"), key_id, seed_id, sealed)
    xpubs = {each.chain: each for each in await rows(owner, "SELECT * FROM xpubs WHERE active")}
    assert xpubs.keys() == {"bitcoin", "ethereum"}
    said = first.stdout + first.stderr
    for each in xpubs.values():
        account = root.derive(each.path).key().public_key
        public = ExtendedPublicKey.parse(each.xpub)
        assert public.public_key == account
        assert f"{each.path} {public.fingerprint.hex()}" in said
        assert each.xpub not in said
    assert sealed.hex() not in said
    assert await rows(owner, "SELECT action, subject FROM audit_log") == 2 * [
        ("keys.seal_seed", SEED_ID)
    ]


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("bitcoin", 1, "bitcoin has another active xpub"), ("manynet", 2, "RIALTO_BITCOIN_NETWORK")],
)
async def test_a_wrong_network_is_refused_in_words(
    aws: None, owner: AsyncEngine, database: Database, name: str, status: int, words: str
):
    await seal_deposit_seed(owner, client("kms"), REGTEST)

    done = keys(database, "seal-seed", network_name=name)

    assert done.returncode == status
    assert words in done.stdout
    assert "Traceback" not in done.stderr


async def test_a_seed_is_not_made_beside_keys_of_another(aws: None, stack: RentedStack):
    other = stack.new_database(migrate)
    engine = create_engine(other.owner)
    async with engine.begin() as connection:
        await custody_keys.store_seed(connection, "deposits-0", SEED_KEY, b"sealed elsewhere")
        await custody_keys.store_xpub(connection, "ethereum", "xpub-of-it", "m", "deposits-0")

    with pytest.raises(WrongState, match="ethereum has another active xpub"):
        await seal_deposit_seed(engine, client("kms"), REGTEST)

    assert await rows(engine, "SELECT id FROM sealed_seeds") == [("deposits-0",)]
    assert await rows(engine, "SELECT xpub FROM xpubs") == [("xpub-of-it",)]
    await engine.dispose()
    stack.drop_database(other)


async def test_wallets_are_opened_once_and_never_moved(
    aws: None, owner: AsyncEngine, database: Database
):
    words = [word for name, address in OFFLINE.items() for word in (f"--{name}", address)]
    first, second = keys(database, "open-wallets", *words), keys(database, "open-wallets", *words)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout == second.stdout
    stored = await rows(owner, "SELECT id, kind, address, key_id FROM wallets ORDER BY id")
    assert {each.id: each.address for each in stored if each.kind != "hot"} == OFFLINE
    for each in stored:
        assert f"{each.id:<14} {each.address}" in first.stdout
        assert (each.key_id is not None) == (each.kind == "hot")

    elsewhere = {**OFFLINE, "cold-bitcoin": OFFLINE["warm-bitcoin"]}
    with pytest.raises(WrongState, match="cold-bitcoin"):
        await open_wallets(owner, client("kms"), REGTEST, elsewhere)
    assert await rows(owner, "SELECT id, kind, address, key_id FROM wallets ORDER BY id") == stored
