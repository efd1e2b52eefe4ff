"""The signer derives every address that customers are shown; a stranger's address is an alarm."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.address_checks import FOREIGN, AddressChecks
from activities.signing import KeyRing
from api.wallet_service.desk import WalletDesk
from chains.bitcoin.network import network
from devstack.rented import Database
from domain.errors import Unavailable
from domain.ids import CustomerId
from storage.address_checks import overdue
from storage.catalog import read_catalog
from storage.engine import create_engine
from streams.aws import client
from tests.chains.house import addresses_for, plant


@pytest.mark.stack
async def test_an_address_that_was_exchanged_is_found(
    aws: None, owner: AsyncEngine, database: Database
):
    """Else customers would pay whoever can write to the table of addresses."""
    await plant(owner)
    for chain in ("bitcoin", "ethereum"):
        await addresses_for(owner, chain, 3, first=9_000)
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "UPDATE deposit_addresses SET address = 'bcrt1qstranger',"
                " created_at = now() - interval '1 hour'"
                " WHERE customer_id = 9001 AND chain = 'bitcoin'"
            )
        )
    signer = create_engine(database.signer)
    checks = AddressChecks(signer, KeyRing(client("kms")), network("regtest"))
    before = FOREIGN.labels("bitcoin")._value.get()

    while await checks.look():
        pass

    async with owner.connect() as connection:
        rows = await connection.execute(
            text("SELECT chain, customer_id FROM deposit_addresses WHERE verified_at IS NULL")
        )
        assert [tuple(row) for row in rows] == [("bitcoin", 9001)]
        assert await overdue(connection, "bitcoin") == 1  # Reconciliation stops withdrawals.
        assert await overdue(connection, "ethereum") == 0
    assert FOREIGN.labels("bitcoin")._value.get() - before == 1
    await signer.dispose()


@pytest.mark.stack
async def test_an_address_is_shown_once_the_signer_has_derived_it_and_never_another(
    aws: None, owner: AsyncEngine, database: Database
):
    await plant(owner)
    async with owner.connect() as connection:
        catalog = await read_catalog(connection)
    signer, api = create_engine(database.signer), create_engine(database.api)
    checks = AddressChecks(signer, KeyRing(client("kms")), network("regtest"))

    def desk(patience_seconds: float) -> WalletDesk:
        return WalletDesk(
            api, catalog, network("regtest"), address_patience_seconds=patience_seconds
        )

    async def look_again_and_again() -> None:
        while True:
            await checks.look()
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look_again_and_again())
    shown = await desk(60).deposit_address(CustomerId(9_101), "BTC", fresh=False)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    with pytest.raises(Unavailable):  # Nobody checks any more.
        await desk(0.2).deposit_address(CustomerId(9_102), "BTC", fresh=False)
    async with owner.begin() as connection:
        await connection.execute(
            text("UPDATE deposit_addresses SET address = 'bcrt1qx' WHERE customer_id = 9102")
        )
    while await checks.look():
        pass
    with pytest.raises(Unavailable):
        await desk(0.2).deposit_address(CustomerId(9_102), "BTC", fresh=False)

    assert shown.verified_at is not None
    again = await desk(0.2).deposit_address(CustomerId(9_101), "BTC", fresh=False)
    assert again == shown
    await signer.dispose()
    await api.dispose()
