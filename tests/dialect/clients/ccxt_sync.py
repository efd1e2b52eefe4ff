"""A full session with ccxt, synchronous: markets, place, cancel, fill, balances, history."""

import json
import os
import time

import ccxt
from pointing import point

ex = point(ccxt.binance({"apiKey": os.environ["KEY"], "secret": os.environ["SECRET"]}))
markets = ex.load_markets()
symbol = "BTC/USDT"
order_book = ex.fetch_order_book(symbol, 5)
ticker, tickers = ex.fetch_ticker(symbol), ex.fetch_tickers([symbol, "ETH/USDT"])
candles, trades = ex.fetch_ohlcv(symbol, "1m", limit=5), ex.fetch_trades(symbol, limit=5)
before = ex.fetch_balance()
resting = ex.create_order(symbol, "limit", "buy", 0.01, 40_000)
is_open = ex.fetch_open_orders(symbol)
edited = ex.edit_order(resting["id"], symbol, "limit", "buy", 0.01, 41_000)
canceled = ex.cancel_order(edited["id"], symbol)
post_only = ex.create_order(symbol, "limit", "buy", 0.01, 40_000, {"postOnly": True})
stop = ex.create_order(symbol, "limit", "sell", 0.001, 44_000, {"stopLossPrice": 45_000})
gone = ex.cancel_all_orders(symbol)
bought = ex.create_order(symbol, "market", "buy", 0.01)
spent = ex.create_order(symbol, "market", "buy", None, None, {"cost": 100})
sold = ex.create_order(symbol, "market", "sell", 0.01)


def refused(work):
    try:
        work()
    except ccxt.BaseError as error:
        return type(error).__name__
    return "nothing"


errors = {
    "insufficient": refused(lambda: ex.create_order(symbol, "limit", "buy", 50, 40_000)),
    "unknown": refused(lambda: ex.fetch_order("999999999", symbol)),
    "cancel": refused(lambda: ex.cancel_order("999999999", symbol)),
    "maker": refused(
        lambda: ex.create_order(symbol, "limit", "buy", 0.01, 60_000, {"postOnly": True})
    ),
    "symbol": refused(lambda: ex.public_get_depth({"symbol": "NOPE"})),
}
until = time.monotonic() + 60
while len(mine := ex.fetch_my_trades(symbol)) < 3 and time.monotonic() < until:
    time.sleep(0.05)
print(
    json.dumps(
        {
            "markets": sorted(markets),
            "bid": order_book["bids"][0][0],
            "ticker": ticker["last"],
            "tickers": sorted(tickers),
            "candles": len(candles),
            "trades": len(trades),
            "usdt": before["USDT"]["total"],
            "statuses": {
                "resting": resting["status"],
                "edited": edited["status"],
                "canceled": canceled["status"],
                "post_only": post_only["status"],
                "bought": bought["status"],
                "sold": sold["status"],
            },
            "open": [each["id"] == resting["id"] for each in is_open],
            "gone": sorted(each["id"] for each in gone) == sorted([post_only["id"], stop["id"]]),
            "fee": bought["fee"],
            "spent": spent["cost"],
            "history": len(ex.fetch_orders(symbol)),
            "closed": len(ex.fetch_closed_orders(symbol)),
            "mine": len(mine),
            "errors": errors,
            "fees": ex.fetch_trading_fees()[symbol]["taker"],
            "address": ex.fetch_deposit_address("BTC")["address"],
            "deposits": ex.fetch_deposits(),
            "withdrawals": ex.fetch_withdrawals(),
            "currencies": sorted(ex.fetch_currencies()),
            "status": ex.fetch_status()["status"],
        }
    )
)
