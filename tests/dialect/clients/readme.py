"""Runs the snippets of a client's own README, as installed, with other keys, markets and addresses.

Prints which statements ran. Those about futures, options or things we do not list are left out.
"""

import ast
import asyncio
import importlib.metadata
import json
import os
import re
import sys
import textwrap
import traceback

HTTP, WS = os.environ["RIALTO_URL"], os.environ["RIALTO_WS_URL"]
KEY, SECRET = os.environ["KEY"], os.environ["SECRET"]
_BLOCK = re.compile(r"```python\n(.*?)```|\.\. code:: python\n\n(.*?)\n(?=\S)", re.DOTALL)
_OTHER = {
    "BNBBTC": "ETHBTC",
    "NEOBTC": "ETHBTC",
    "LTCUSDT": "ETHUSDT",
    "BNBUSDT": "ETHUSDT",
    "BNBBUSD": "ETHUSDT",
    "bnbusdt": "ethusdt",
    "<api_key>": KEY,
    "<api_secret>": SECRET,
    "your-api-key": KEY,
    "your-api-secret": SECRET,
    "<eth_address>": "0x" + "11" * 20,
    "'price': 9500": "'price': 59500",  # A resting order here, too.
    "asset='ETH'": "coin='ETH'",  # The library passes it on, and the real venue wants `coin`.
    "asyncio.sleep(5)": "asyncio.sleep(0.5)",
    "time.sleep(5)": "time.sleep(0.5)",
}
# "custo" is where the README of python-binance turns to custom clients.
_LEAVE_OUT = re.compile(
    r"futures|options|Vanilla|proxies|proxy|tld|testnet|TESTNET|1\.2\.3\.4|gift_card|sub_?account|"
    r"verify|custo|threaded|dcm\b|twm\b"
)


def blocks(name):
    text = importlib.metadata.metadata(name).get_payload()
    for match in _BLOCK.finditer(text):
        block = textwrap.dedent(match[1] or match[2])
        for old, new in _OTHER.items():
            block = block.replace(old, new)
        yield block


def point(name):
    """The one thing that may be changed: addresses."""
    if name == "python-binance":
        import binance
        from binance.base_client import BaseClient

        BaseClient.API_URL, BaseClient.MARGIN_API_URL = f"{HTTP}/api", f"{HTTP}/sapi"
        BaseClient.WS_API_URL = f"{WS}/ws-api/v3"
        binance.BinanceSocketManager.STREAM_URL = f"{WS}/"
    elif name == "binance-connector":
        from binance import spot
        from binance.websocket.spot import websocket_api, websocket_stream

        moved = spot.Spot.__init__

        def init(self, api_key=None, api_secret=None, **options):
            options.setdefault("base_url", HTTP)
            moved(self, api_key, api_secret, **options)

        spot.Spot.__init__ = init
        websocket_api.SpotWebsocketAPIClient.__init__.__defaults__ = (
            f"{WS}/ws-api/v3",
            *websocket_api.SpotWebsocketAPIClient.__init__.__defaults__[1:],
        )
        websocket_stream.SpotWebsocketStreamClient.__init__.__defaults__ = (
            WS,
            *websocket_stream.SpotWebsocketStreamClient.__init__.__defaults__[1:],
        )
    else:
        from binance_common import constants

        constants.SPOT_REST_API_PROD_URL = HTTP
        constants.SPOT_WS_API_PROD_URL = f"{WS}/ws-api/v3"
        constants.SPOT_WS_STREAMS_PROD_URL = WS


def statements(block):
    try:
        tree = ast.parse(block)
    except SyntaxError:
        return
    for node in tree.body:
        text = ast.unparse(node)
        if not _LEAVE_OUT.search(text):
            yield text


def run(text, names):
    """Statements that await get an event loop; the others must find none running."""
    code = compile(text, "readme", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if asyncio.iscoroutine(result):
        asyncio.run(result)


def main(name, wanted):
    point(name)
    ran, failed = [], []
    names = {"__name__": "readme", "api_key": KEY, "api_secret": SECRET}
    exec("import logging, time\nfrom typing import List", names)
    for number, block in enumerate(blocks(name)):
        if str(number) not in wanted:
            continue
        for text in statements(block):
            try:
                run(text, names)
                ran.append(text[:60])
            except Exception:
                failed.append([text[:200], traceback.format_exc()[-600:]])
    print(json.dumps({"ran": ran, "failed": failed}))


main(sys.argv[1], sys.argv[2:])
