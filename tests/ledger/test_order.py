from domain.market import Market, MarketId
from domain.money import Asset, AssetCode
from ledger.order import hold_asset, hold_units

MARKET = Market(
    MarketId("BTC-USDT"),
    Asset(AssetCode("BTC"), 8),
    Asset(AssetCode("USDT"), 6),
    tick_units=10**4,
    lot_units=10**4,
    notional_min_units=1,
)


def test_a_buy_holds_its_worst_price_in_quote():
    assert hold_asset(MARKET, is_buy=True) == "USDT"
    assert hold_units(MARKET, is_buy=True, price_ticks=1000, lots=7) == 7_000


def test_a_buy_with_a_budget_holds_the_budget():
    assert hold_units(MARKET, is_buy=True, price_ticks=1000, lots=10**9, budget_units=50) == 50


def test_a_sell_holds_its_size_in_base():
    assert hold_asset(MARKET, is_buy=False) == "BTC"
    assert hold_units(MARKET, is_buy=False, price_ticks=1000, lots=7) == 70_000
