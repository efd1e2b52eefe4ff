"""A full session with binance-sdk-spot and -wallet, whose models check every field."""

import asyncio
import json
import os

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot
from binance_sdk_wallet.wallet import Wallet

HTTP, WS, SYMBOL = os.environ["RIALTO_URL"], os.environ["RIALTO_WS_URL"], "BTCUSDT"
keys = {"api_key": os.environ["KEY"], "api_secret": os.environ["SECRET"]}
# Its default, one second, is short for a machine that is busy with other tests.
rest = ConfigurationRestAPI(**keys, base_path=HTTP, timeout=20_000)
client = Spot(
    config_rest_api=rest,
    config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=f"{WS}/ws-api/v3", timeout=20_000),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS),
)
api = client.rest_api
info = api.exchange_info(symbol=SYMBOL).data()
resting = api.new_order(
    symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=40000
).data()
canceled = api.delete_order(symbol=SYMBOL, order_id=resting.order_id).data()
bought = api.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).data()
account = api.get_account().data()
coins = Wallet(config_rest_api=rest).rest_api.all_coins_information().data()


async def over_sockets():
    streams = await client.websocket_streams.create_connection()
    try:
        stream = await streams.trade(symbol=SYMBOL.lower())
        heard = asyncio.get_running_loop().create_future()
        stream.on("message", lambda data: heard.done() or heard.set_result(data))
        connection = await client.websocket_api.create_connection()
        try:
            placed = await connection.order_place(
                symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01
            )
            trade = await asyncio.wait_for(heard, 60)
            return placed.data().result.status, trade.s
        finally:
            await connection.close_connection(close_session=True)
    finally:
        await streams.close_connection(close_session=True)


status, symbol = asyncio.run(over_sockets())
print(
    json.dumps(
        {
            "symbol": info.symbols[0].symbol,
            "statuses": [resting.status, canceled.status, bought.status, status],
            "balances": len(account.balances),
            "coins": sorted(each.coin for each in coins),
            "trade": symbol,
        }
    )
)
