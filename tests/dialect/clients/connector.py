"""A full session with binance-connector: REST with each kind of key, streams, the WebSocket API."""

import json
import os
import queue

from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

HTTP, WS, SYMBOL = os.environ["RIALTO_URL"], os.environ["RIALTO_WS_URL"], "BTCUSDT"
KEY, SECRET = os.environ["KEY"], os.environ["SECRET"]
client = Spot(KEY, SECRET, base_url=HTTP, show_limit_usage=True)
limits = client.time()["limit_usage"]
client = Spot(KEY, SECRET, base_url=HTTP)
resting = client.new_order(
    symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity=0.01, price=40000
)
canceled = client.cancel_order(SYMBOL, orderId=resting["orderId"])
try:
    client.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity=50, price=40000
    )
    refused = 0
except ClientError as error:
    refused = error.error_code


def account_with(kind):
    signer = Spot(os.environ[f"{kind}_KEY"], private_key=os.environ[f"{kind}_PEM"], base_url=HTTP)
    return signer.account()["accountType"]


heard = queue.Queue()
listen_key = client.new_listen_key()["listenKey"]
stream = SpotWebsocketStreamClient(
    stream_url=WS, on_message=lambda _, text: heard.put(json.loads(text))
)
stream.user_data(listen_key=listen_key)
stream.book_ticker(symbol=SYMBOL)
while heard.get(timeout=60).get("id") is None:
    pass
while heard.get(timeout=60).get("id") is None:
    pass
bought = client.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
kinds = set()
while not {"executionReport", "outboundAccountPosition"} <= kinds:
    kinds.add(heard.get(timeout=60).get("e", "bookTicker"))
stream.stop()
client.renew_listen_key(listen_key)
client.close_listen_key(listen_key)

answers = queue.Queue()
api = SpotWebsocketAPIClient(
    stream_url=f"{WS}/ws-api/v3",
    api_key=KEY,
    api_secret=SECRET,
    on_message=lambda _, text: answers.put(json.loads(text)),
)
api.account()
over_api = answers.get(timeout=60)
api.stop()
print(
    json.dumps(
        {
            "limits": sorted(limits),
            "statuses": [resting["status"], canceled["status"], bought["status"]],
            "refused": refused,
            "kinds": sorted(kinds),
            "depth": len(client.depth(SYMBOL, limit=5)["bids"]),
            "candles": len(client.klines(SYMBOL, "1m")[0]),
            "orders": len(client.get_orders(SYMBOL)),
            "signers": [account_with("ED25519"), account_with("RSA")],
            "api": over_api["status"],
            "coins": len(client.coin_info()),
        }
    )
)
