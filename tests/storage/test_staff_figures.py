"""What the staff page shows is what the books say."""

from __future__ import annotations

from sqlalchemy import text

from domain.ids import EntryId
from domain.market import Side
from ledger.account import AccountKind, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.reconciliations import write_down
from storage.staff_figures import StaffFigures, Treasury, read_figures
from tests.storage.world import BTC, World, deposit, new_customer, unique


async def _figures(world: World) -> StaffFigures:
    async with world.engine.connect() as connection:
        return await read_figures(connection)


async def _treasury(world: World, asset: str) -> Treasury:
    return next(each for each in (await _figures(world)).treasury if each.asset == asset)


async def _execute(world: World, statement: str) -> None:
    async with world.engine.begin() as connection:
        await connection.execute(text(statement))


async def test_what_is_owed_and_where_the_coins_are(world: World):
    await world.ledger.post(deposit(new_customer(), BTC, 250_000_000))
    name = unique("sweep")
    swept = Transfer(
        house(AccountKind.HOT_WALLET, BTC), house(AccountKind.DEPOSIT_WALLET, BTC), 100_000_000
    )
    await world.ledger.post(JournalEntry(EntryId(name), EntryReason.ADJUSTMENT, name, (swept,)))

    shown = await _treasury(world, "BTC")

    assert (shown.hot, shown.unswept, shown.cold, shown.owed) == ("1", "1.5", "0", "2.5")
    assert shown.covered
    assert shown.is_low == (float(shown.hot_low) > 1)


async def test_a_pause_is_told_with_its_reason(world: World):
    await _execute(
        world,
        "UPDATE custody_assets SET withdraw_enabled = false, pause_reason = 'the chain stands'"
        " WHERE asset = 'USDT'",
    )
    assert (await _treasury(world, "USDT")).paused == "the chain stands"
    assert (await _treasury(world, "BTC")).paused == ""


async def test_the_newest_comparison_of_each_asset_is_shown(world: World):
    async with world.engine.begin() as connection:
        for run, chain_units in (("first", 150_000_000), ("second", 149_999_999)):
            await write_down(
                connection,
                run_id=run,
                asset=str(BTC),
                ledger_units=150_000_000,
                chain_units=chain_units,
                details={},
            )
    [shown] = (await _figures(world)).reconciliation
    assert (shown.asset, shown.ledger, shown.chain) == ("BTC", "1.5", "1.49999999")
    assert shown.difference == "-0.00000001"


async def test_a_listener_that_fell_behind_and_stopped_is_seen(world: World):
    await _execute(
        world,
        "INSERT INTO chain_cursors (chain, height, hash, node_height, halted_reason)"
        " VALUES ('bitcoin', 100, 'ab', 103, 'a gap')",
    )
    [shown] = (await _figures(world)).listeners
    assert (shown.chain, shown.height, shown.behind, shown.halted) == ("bitcoin", 100, 3, "a gap")


async def test_orders_that_wait_are_counted(world: World):
    async def waiting() -> int:
        figures = await _figures(world)
        return next(each.number for each in figures.waiting if each.what.startswith("orders"))

    before = await waiting()
    await world.resting(await world.customer(BTC=10**8), Side.SELL, 5_000_000, 10)
    assert await waiting() == before + 1
