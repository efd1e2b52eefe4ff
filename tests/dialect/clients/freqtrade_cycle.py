"""A live cycle of freqtrade with play money: it finds its market, enters a trade, and exits it."""

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

logging.basicConfig(stream=sys.stderr, level=logging.WARNING)

from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade

HTTP, WS = os.environ["RIALTO_URL"], os.environ["RIALTO_WS_URL"]
STRATEGY = '''
from freqtrade.strategy import IStrategy


class InAndOut(IStrategy):
    """Buys at once, sells at the next look."""

    timeframe = "1m"
    minimal_roi = {"0": 10.0}
    stoploss = -0.5
    startup_candle_count = 0
    process_only_new_candles = False

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        return "enough"
'''
home = Path(tempfile.mkdtemp(prefix="freqtrade-"))
(home / "strategies").mkdir()
(home / "strategies" / "in_and_out.py").write_text(STRATEGY)
urls = {
    "public": f"{HTTP}/api/v3",
    "private": f"{HTTP}/api/v3",
    "v1": f"{HTTP}/api/v1",
    "sapi": f"{HTTP}/sapi/v1",
    "sapiV2": f"{HTTP}/sapi/v2",
    "sapiV3": f"{HTTP}/sapi/v3",
    "sapiV4": f"{HTTP}/sapi/v4",
    "fapiPublic": f"{HTTP}/fapi/v1",
    "dapiPublic": f"{HTTP}/dapi/v1",
    "ws": {"spot": f"{WS}/stream/ws", "ws-api": {"spot": f"{WS}/ws-api/v3"}},
}
ccxt_config = {
    "urls": {"api": urls},
    "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
}
config = {
    "max_open_trades": 1,
    "stake_currency": "USDT",
    "stake_amount": 100,
    "dry_run": False,
    "trading_mode": "spot",
    "db_url": f"sqlite:///{home}/trades.sqlite",
    "user_data_dir": str(home),
    "strategy": "InAndOut",
    "strategy_path": str(home / "strategies"),
    "initial_state": "running",
    "entry_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
    "exit_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
    "unfilledtimeout": {"entry": 1, "exit": 1, "unit": "minutes"},
    "order_types": {
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    },
    "exchange": {
        "name": "binance",
        "key": os.environ["KEY"],
        "secret": os.environ["SECRET"],
        "only_from_ccxt": True,
        "enable_ws": False,
        "ccxt_config": ccxt_config,
        "ccxt_async_config": ccxt_config,
        "pair_whitelist": ["BTC/USDT"],
        "pair_blacklist": [],
    },
    "pairlists": [{"method": "StaticPairList"}],
    "internals": {"process_throttle_secs": 1},
}
path = home / "config.json"
path.write_text(json.dumps(config))
bot = FreqtradeBot(Configuration({"config": [str(path)]}, RunMode.LIVE).get_config())
bot.startup()
until = time.monotonic() + float(os.environ.get("SECONDS", "100"))
while time.monotonic() < until:
    bot.process()
    done = Trade.get_trades_proxy(is_open=False)
    if done:
        break
    time.sleep(0.5)
closed = Trade.get_trades_proxy(is_open=False)
print(
    json.dumps(
        {
            "closed": len(closed) > 0,
            "orders": [[order.side, order.status] for order in closed[0].orders] if closed else [],
            "reason": closed[0].exit_reason if closed else "",
            "fee": closed[0].fee_open_currency if closed else "",
            "balances": sorted(
                name for name in bot.wallets.get_all_balances() if name in ("BTC", "USDT")
            ),
        }
    )
)
bot.cleanup()
