"""A full session with ccxt, asynchronous and over WebSockets."""

import asyncio
import json
import os

import ccxt.pro
from pointing import point

SYMBOL = "BTC/USDT"


async def first(watch, fits):
    async with asyncio.timeout(60):
        while True:
            found = await watch()
            if fits(found):
                return found


async def main():
    ex = point(ccxt.pro.binance({"apiKey": os.environ["KEY"], "secret": os.environ["SECRET"]}))
    try:
        await ex.load_markets()
        book = asyncio.create_task(first(lambda: ex.watch_order_book(SYMBOL), lambda b: b["bids"]))
        orders = asyncio.create_task(
            first(lambda: ex.watch_orders(SYMBOL), lambda found: found[-1]["status"] == "closed")
        )
        mine = asyncio.create_task(first(lambda: ex.watch_my_trades(SYMBOL), bool))
        balance = asyncio.create_task(first(ex.watch_balance, lambda b: b.get("BTC")))
        trades = asyncio.create_task(first(lambda: ex.watch_trades(SYMBOL), bool))
        ticker = asyncio.create_task(first(lambda: ex.watch_ticker(SYMBOL), lambda t: t["last"]))
        best = asyncio.create_task(first(lambda: ex.watch_bids_asks([SYMBOL]), bool))
        candles = asyncio.create_task(first(lambda: ex.watch_ohlcv(SYMBOL, "1m"), bool))
        running = (book, orders, mine, balance, trades, ticker, best, candles)
        while not all(task.done() for task in running):  # News come to those who trade.
            await ex.create_order(SYMBOL, "market", "buy", 0.001)
            await ex.create_order(SYMBOL, "market", "sell", 0.001)
            await asyncio.wait(running, timeout=0.3)
        over_socket = await ex.create_order_ws(SYMBOL, "limit", "buy", 0.01, 40_000)
        canceled = await ex.cancel_order_ws(over_socket["id"], SYMBOL)
        print(
            json.dumps(
                {
                    "book": book.result()["bids"][0][0],
                    "order": orders.result()[-1]["status"],
                    "mine": mine.result()[-1]["fee"]["currency"],
                    "balance": balance.result()["BTC"]["free"],
                    "trade": trades.result()[-1]["symbol"],
                    "ticker": ticker.result()["last"],
                    "best": sorted(best.result()),
                    "candle": len(candles.result()[-1]),
                    "over_socket": [over_socket["status"], canceled["status"]],
                    "account": (await ex.fetch_balance_ws())["info"]["accountType"],
                }
            )
        )
    finally:
        await ex.close()


asyncio.run(main())
