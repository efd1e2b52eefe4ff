"""A full session with python-binance: REST, sockets, a depth cache, the WebSocket API."""

import asyncio
import json
import os

from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager
from binance.base_client import BaseClient
from binance.exceptions import BinanceAPIException

HTTP, WS = os.environ["RIALTO_URL"], os.environ["RIALTO_WS_URL"]
BaseClient.API_URL, BaseClient.MARGIN_API_URL = f"{HTTP}/api", f"{HTTP}/sapi"
BaseClient.WS_API_URL = f"{WS}/ws-api/v3"
BinanceSocketManager.STREAM_URL = f"{WS}/"
KEY, SECRET, SYMBOL = os.environ["KEY"], os.environ["SECRET"], "BTCUSDT"


def over_rest():
    client = Client(KEY, SECRET)
    resting = client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price="40000")
    canceled = client.cancel_order(symbol=SYMBOL, orderId=resting["orderId"])
    bought = client.order_market_buy(symbol=SYMBOL, quantity="0.01")
    client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01")
    try:
        client.order_limit_buy(symbol=SYMBOL, quantity="50", price="40000")
        refused = 0
    except BinanceAPIException as error:
        refused = error.code
    candles = client.get_historical_klines(SYMBOL, "1m", "1 day ago UTC")
    return {
        "symbols": len(client.get_exchange_info()["symbols"]),
        "bids": len(client.get_order_book(symbol=SYMBOL)["bids"]),
        "statuses": [resting["status"], canceled["status"], bought["status"]],
        "refused": refused,
        "candles": len(candles),
        "birth": client._get_earliest_valid_timestamp(SYMBOL, "1m") > 1_600_000_000_000,
        "orders": len(client.get_all_orders(symbol=SYMBOL)),
        "usdt": client.get_asset_balance("USDT")["asset"],
        "fees": client.get_trade_fee(symbol=SYMBOL)[0]["takerCommission"],
        "address": client.get_deposit_address(coin="BTC")["address"][:5],
        "deposits": client.get_deposit_history(),
        "withdrawals": client.get_withdraw_history(),
        "status": client.get_account_status()["data"],
    }


async def over_sockets():
    client = await AsyncClient.create(KEY, SECRET)
    try:
        manager = BinanceSocketManager(client)
        async with (
            manager.trade_socket(SYMBOL) as trades,
            manager.user_socket() as account,
            DepthCacheManager(client, symbol=SYMBOL) as depth,
        ):
            cache = asyncio.create_task(depth.recv())
            bought = await client.ws_create_order(
                symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01"
            )
            trade = await asyncio.wait_for(trades.recv(), 60)
            kinds = []
            async with asyncio.timeout(60):
                while "outboundAccountPosition" not in kinds or "TRADE" not in kinds:
                    event = await account.recv()
                    kinds.append(event.get("x") or event["e"])
            book = await asyncio.wait_for(cache, 60)
            best = await client.ws_get_orderbook_ticker(symbol=SYMBOL)
            return {
                "bought": bought["status"],
                "trade": trade["e"],
                "kinds": sorted(set(kinds)),
                "book": len(book.get_bids()) > 0,
                "best": best["symbol"],
            }
    finally:
        await client.close_connection()


print(json.dumps({"rest": over_rest(), "sockets": asyncio.run(over_sockets())}))
