import pytest

from domain.ids import CustomerId, OrderId
from domain.market import Market, MarketId
from domain.money import Asset, AssetCode
from ledger.account import AccountKind, AccountRef, available, held, house
from ledger.entry import CaptureHold, JournalEntry, ReleaseHold
from ledger.settlement import Fill, Moment, OrderEnd, OrderState, Poisoned, Run, Side

BTC, USDT = AssetCode("BTC"), AssetCode("USDT")
MARKET = Market(
    MarketId("BTC-USDT"),
    Asset(BTC, 8),
    Asset(USDT, 6),
    tick_units=10**4,
    lot_units=10**4,
    notional_min_units=1,
)  # One tick times one lot is one quote unit.
LOT = MARKET.lot_units
ALICE, BOB = CustomerId(1), CustomerId(2)
MAKER_PPM, TAKER_PPM = 1_000, 2_000


def buy(order_id: int, price: int, lots: int, **changes: object) -> OrderState:
    return order(order_id, ALICE, is_buy=True, price=price, lots=lots, **changes)


def sell(order_id: int, price: int, lots: int, **changes: object) -> OrderState:
    return order(order_id, BOB, is_buy=False, price=price, lots=lots, **changes)


def order(order_id, owner, *, is_buy, price, lots, has_budget=False, pair=None, is_known=True):
    return OrderState(
        OrderId(order_id), owner, is_buy, price, lots, has_budget, OrderId(pair or order_id),
        MAKER_PPM, TAKER_PPM, is_known,
    )  # fmt: skip


def run(*orders: OrderState, held_units: dict[int, int] | None = None) -> Run:
    """A run over these orders, each of which holds what it needs."""
    needs = {
        o.hold_order_id: MARKET.notional_units(o.price_ticks, o.lots) if o.is_buy else o.lots * LOT
        for o in orders
    }
    return Run(MARKET, {o.id: o for o in orders}, needs | (held_units or {}))


def at(sequence: int) -> Moment:
    return Moment(sequence, 10**15 + sequence)


def fill(maker: OrderState, taker: OrderState, price: int, lots: int, **changes: object) -> Fill:
    return Fill(
        1,
        price,
        lots,
        Side(maker.id, maker.customer_id, maker.open_lots - lots),
        Side(taker.id, taker.customer_id, taker.open_lots - lots),
        taker_buys=taker.is_buy,
        in_auction=False,
    )._replace(**changes)


def moves(entries: list[JournalEntry]) -> dict[AccountRef, int]:
    """What the entries do to each account; a release without an amount cannot be summed up."""
    changes: dict[AccountRef, int] = {}

    def move(debit: AccountRef, credit: AccountRef, units: int) -> None:
        changes[debit] = changes.get(debit, 0) - units
        changes[credit] = changes.get(credit, 0) + units

    for entry in entries:
        for change in entry.holds:
            if isinstance(change, CaptureHold):
                move(held(change.customer_id, change.credit.asset), change.credit, change.units)
            elif isinstance(change, ReleaseHold) and change.units is not None:
                account = available(change.customer_id, change.asset)
                move(held(change.customer_id, change.asset), account, change.units)
        for transfer in entry.transfers:
            move(transfer.debit, transfer.credit, transfer.units)
    return {ref: units for ref, units in changes.items() if units}


def income(asset: AssetCode) -> AccountRef:
    return house(AccountKind.FEE_INCOME, asset, MARKET.id)


def test_a_trade_moves_both_legs_and_both_fees():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    settling = run(maker, taker)

    settling.filled(at(5), fill(maker, taker, 1000, 100))

    [entry] = settling.settlement.entries
    base, quote = 100 * LOT, 100_000
    assert entry.id == "trade:BTC-USDT:1"
    assert moves([entry]) == {
        held(ALICE, USDT): -quote,
        available(BOB, USDT): quote - 100,  # The maker's 0.1%.
        income(USDT): 100,
        held(BOB, BTC): -base,
        available(ALICE, BTC): base - 2_000,  # The taker's 0.2%.
        income(BTC): 2_000,
    }
    assert maker.end is taker.end is OrderEnd.FILLED
    assert (taker.filled_lots, taker.filled_quote_units, taker.fee_units) == (100, quote, 2_000)


def test_a_better_price_gives_the_difference_back_at_once():
    maker, taker = sell(1, 990, 40), buy(2, 1000, 100)
    settling = run(maker, taker)

    settling.filled(at(5), fill(maker, taker, 990, 40))

    changes = moves(settling.settlement.entries)
    assert changes[held(ALICE, USDT)] == -40_000  # 39,600 paid, 400 given back.
    assert changes[available(ALICE, USDT)] == 400
    assert taker.end is None
    assert taker.open_lots == 60


def test_in_an_auction_both_pay_the_makers_rate():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    settling = run(maker, taker)

    settling.filled(at(5), fill(maker, taker, 1000, 100, in_auction=True))

    assert [trade.taker_fee_units for trade in settling.settlement.trades] == [1_000]


def test_without_a_fee_there_is_no_transfer_of_it():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    maker.maker_fee_ppm = taker.taker_fee_ppm = 0
    settling = run(maker, taker)

    settling.filled(at(5), fill(maker, taker, 1000, 100))

    assert settling.settlement.entries[0].transfers == ()


@pytest.mark.parametrize("end", [OrderEnd.CANCELED, OrderEnd.EXPIRED, OrderEnd.FILLED])
def test_an_order_that_ends_gives_the_rest_back(end):
    order = buy(2, 1000, 100)
    settling = run(order)

    settling.ended(at(5), 2, ALICE, end, 1)

    assert moves(settling.settlement.entries) == {
        held(ALICE, USDT): -100_000,
        available(ALICE, USDT): 100_000,
    }
    assert (order.end, order.reason) == (end, 1)


def test_a_rejected_order_gives_all_back():
    order = sell(1, 1000, 100, is_known=False)
    settling = run(order)

    settling.rejected(at(5), 1, BOB, 38)

    assert moves(settling.settlement.entries)[available(BOB, BTC)] == 100 * LOT
    assert order.end is OrderEnd.REJECTED


def test_a_rejected_repeat_of_an_order_in_the_book_changes_nothing():
    order = sell(1, 1000, 100)
    settling = run(order)

    settling.rejected(at(5), 1, BOB, 32)
    settling.rejected(at(6), 99, BOB, 32)

    assert order.end is None
    assert settling.settlement.changed == {}


def test_a_smaller_order_holds_less():
    order = buy(2, 1000, 100)
    settling = run(order)

    settling.reduced(at(5), 2, ALICE, 30)

    assert moves(settling.settlement.entries)[available(ALICE, USDT)] == 70_000
    assert (order.lots, order.open_lots) == (30, 30)


def test_a_budget_is_held_whole_until_the_order_ends():
    maker, taker = sell(1, 900, 40), buy(2, 1000, 10**9, has_budget=True)
    settling = run(maker, taker, held_units={2: 50_000})

    settling.filled(at(5), fill(maker, taker, 900, 40)._replace(taker=Side(2, ALICE, 15)))
    assert available(ALICE, USDT) not in moves(settling.settlement.entries)

    settling.ended(at(6), 2, ALICE, OrderEnd.FILLED, 13)
    assert moves(settling.settlement.entries)[available(ALICE, USDT)] == 50_000 - 36_000


def test_a_pair_stands_under_one_hold_for_its_dearer_leg():
    limit, stop = buy(1, 900, 100), buy(2, 1100, 100, pair=1)
    settling = run(limit, stop, held_units={1: 110_000})

    settling.ended(at(5), 2, ALICE, OrderEnd.EXPIRED, 16)
    assert moves(settling.settlement.entries)[available(ALICE, USDT)] == 20_000

    settling.ended(at(6), 1, ALICE, OrderEnd.CANCELED, 1)
    assert moves(settling.settlement.entries)[available(ALICE, USDT)] == 110_000


def test_a_pair_that_still_needs_all_gives_nothing_back():
    limit, stop = buy(1, 900, 100), buy(2, 1100, 100, pair=1)
    settling = run(limit, stop, held_units={1: 110_000})

    settling.ended(at(5), 1, ALICE, OrderEnd.CANCELED, 1)

    assert settling.settlement.entries == []


def test_an_accepted_order_is_open():
    order = buy(2, 1000, 100, is_known=False)
    settling = run(order)

    settling.accepted(at(5), 2, ALICE)

    assert order.is_known
    assert settling.settlement.changed == {2: order}
    assert settling.settlement.entries == []


def test_what_contradicts_our_rows_is_poison():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    ended = buy(3, 1000, 1)
    ended.end = OrderEnd.CANCELED
    good = fill(maker, taker, 1000, 10)

    for tell in (
        lambda r: r.accepted(at(1), 99, ALICE),
        lambda r: r.accepted(at(1), 2, BOB),
        lambda r: r.accepted(at(1), 3, ALICE),
        lambda r: r.ended(at(1), 3, ALICE, OrderEnd.CANCELED, 1),
        lambda r: r.reduced(at(1), 3, ALICE, 0),
        lambda r: r.reduced(at(1), 2, ALICE, 101),
        lambda r: r.filled(at(1), good._replace(taker=Side(3, ALICE, 0))),
        lambda r: r.filled(at(1), good._replace(taker_buys=False)),
        lambda r: r.filled(at(1), good._replace(taker=good.maker)),
        lambda r: r.filled(at(1), good._replace(maker=Side(1, BOB, 91))),
    ):
        with pytest.raises(Poisoned):
            tell(run(sell(1, 1000, 100), buy(2, 1000, 100), ended))


def test_a_hold_that_does_not_cover_is_poison():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)

    with pytest.raises(Poisoned, match="does not cover"):
        run(maker, taker, held_units={2: 99_999}).filled(at(1), fill(maker, taker, 1000, 100))

    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    with pytest.raises(Poisoned, match="needs"):
        run(maker, taker, held_units={2: 99_999}).filled(at(1), fill(maker, taker, 1000, 10))


def test_ids_of_settled_trades_are_the_engines():
    maker, taker = sell(1, 1000, 100), buy(2, 1000, 100)
    settling = run(maker, taker)

    settling.filled(at(5), fill(maker, taker, 1000, 100, trade_id=17))

    assert [trade.id for trade in settling.settlement.trades] == [17]
