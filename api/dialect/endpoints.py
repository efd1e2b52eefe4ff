"""Every endpoint of the dialect: who may call it, what it weighs, which function answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.dialect import account, market_data, order_lists, orders, replacing, tickers, wallet
from api.dialect.call import Endpoint, Handler, Security
from api.dialect.parameters import Parameters
from api.exchange.caller import Scope

Weight = int | Callable[[Parameters], int]


def _by_depth(parameters: Parameters) -> int:
    limit = parameters.limit(100, market_data.DEPTH_MAX)
    steps = ((100, 5), (500, 25), (1000, 50))
    return next((weight for most, weight in steps if limit <= most), 250)


def _by_symbol(one: int, every: int) -> Weight:
    return lambda parameters: one if "symbol" in parameters else every


def _read(handler: Handler, weight: Weight = 1) -> Endpoint:
    return Endpoint(handler, weight, Security.SIGNED)


def _trade(handler: Handler, weight: Weight = 1, *, orders: int = 0) -> Endpoint:
    return Endpoint(handler, weight, Security.SIGNED, Scope.TRADE, orders)


def _wallet(
    handler: Handler, security: Security = Security.SIGNED, scope: Scope = Scope.READ
) -> Endpoint:
    return Endpoint(handler, 1, security, scope, is_wallet=True)


_PING = Endpoint(market_data.ping)
_TIME = Endpoint(market_data.server_time)
_INFO = Endpoint(market_data.exchange_info, 20)
_DEPTH = Endpoint(market_data.depth, _by_depth)
_TRADES = Endpoint(market_data.trades, 25)
_HISTORICAL = Endpoint(market_data.historical_trades, 25)
_AGGREGATE = Endpoint(market_data.aggregate_trades, 4)
_KLINES = Endpoint(tickers.klines, 2)
_AVERAGE = Endpoint(tickers.average_price, 2)
_TICKER_DAY = Endpoint(tickers.ticker_day, _by_symbol(2, 80))
_TICKER_TODAY = Endpoint(tickers.ticker_trading_day, 4)
_TICKER = Endpoint(tickers.ticker_window, 4)
_TICKER_PRICE = Endpoint(tickers.ticker_price, _by_symbol(2, 4))
_TICKER_BOOK = Endpoint(tickers.ticker_book, _by_symbol(2, 4))
_PLACE = _trade(orders.place, orders=1)
_TEST = _trade(orders.test_order)
_FIND = _read(orders.look_up, 4)
_CANCEL = _trade(orders.cancel)
_REPLACE = _trade(replacing.replace, orders=1)
_AMEND = _trade(orders.amend, 4)
_OPEN = _read(orders.open_orders, _by_symbol(6, 80))
_CANCEL_OPEN = _trade(orders.cancel_open)
_ALL = _read(orders.all_orders, 20)
_OCO = _trade(order_lists.place_oco, orders=2)
_OCO_OLD = _trade(order_lists.place_oco_old_style, orders=2)
_LIST = _read(order_lists.look_up, 4)
_CANCEL_LIST = _trade(order_lists.cancel_list)
_OPEN_LISTS = _read(order_lists.open_lists, 6)
_ALL_LISTS = _read(order_lists.all_lists, 20)
_ACCOUNT = _read(account.account, 20)
_MY_TRADES = _read(account.my_trades, 20)
_COMMISSION = _read(account.commission, 20)
_ORDER_RATES = _read(account.order_rates, 40)
_PREVENTED = _read(account.prevented_matches, 20)
_FILTERS = _read(account.my_filters, 40)
_NOTHING = _read(account.nothing, 20)
_OLD_STREAM = (
    Endpoint(account.create_listen_key, 2, Security.KEY),
    Endpoint(account.keep_listen_key, 2, Security.KEY),
    Endpoint(account.close_listen_key, 2, Security.KEY),
)

REST: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/api/v3/ping"): _PING,
    ("GET", "/api/v3/time"): _TIME,
    ("GET", "/api/v3/exchangeInfo"): _INFO,
    ("GET", "/api/v3/depth"): _DEPTH,
    ("GET", "/api/v3/trades"): _TRADES,
    ("GET", "/api/v3/historicalTrades"): _HISTORICAL,
    ("GET", "/api/v3/aggTrades"): _AGGREGATE,
    ("GET", "/api/v3/klines"): _KLINES,
    ("GET", "/api/v3/uiKlines"): _KLINES,
    ("GET", "/api/v3/avgPrice"): _AVERAGE,
    ("GET", "/api/v3/ticker/24hr"): _TICKER_DAY,
    ("GET", "/api/v3/ticker/tradingDay"): _TICKER_TODAY,
    ("GET", "/api/v3/ticker"): _TICKER,
    ("GET", "/api/v3/ticker/price"): _TICKER_PRICE,
    ("GET", "/api/v3/ticker/bookTicker"): _TICKER_BOOK,
    ("POST", "/api/v3/order"): _PLACE,
    ("POST", "/api/v3/order/test"): _TEST,
    ("GET", "/api/v3/order"): _FIND,
    ("DELETE", "/api/v3/order"): _CANCEL,
    ("POST", "/api/v3/order/cancelReplace"): _REPLACE,
    ("PUT", "/api/v3/order/amend/keepPriority"): _AMEND,
    ("GET", "/api/v3/order/amendments"): _NOTHING,
    ("GET", "/api/v3/openOrders"): _OPEN,
    ("DELETE", "/api/v3/openOrders"): _CANCEL_OPEN,
    ("GET", "/api/v3/allOrders"): _ALL,
    ("POST", "/api/v3/orderList/oco"): _OCO,
    ("POST", "/api/v3/order/oco"): _OCO_OLD,
    ("GET", "/api/v3/orderList"): _LIST,
    ("DELETE", "/api/v3/orderList"): _CANCEL_LIST,
    ("GET", "/api/v3/openOrderList"): _OPEN_LISTS,
    ("GET", "/api/v3/allOrderList"): _ALL_LISTS,
    ("GET", "/api/v3/account"): _ACCOUNT,
    ("GET", "/api/v3/myTrades"): _MY_TRADES,
    ("GET", "/api/v3/account/commission"): _COMMISSION,
    ("GET", "/api/v3/rateLimit/order"): _ORDER_RATES,
    ("GET", "/api/v3/myPreventedMatches"): _PREVENTED,
    ("GET", "/api/v3/myAllocations"): _NOTHING,
    ("GET", "/api/v3/myFilters"): _FILTERS,
    ("POST", "/api/v3/userDataStream"): _OLD_STREAM[0],
    ("PUT", "/api/v3/userDataStream"): _OLD_STREAM[1],
    ("DELETE", "/api/v3/userDataStream"): _OLD_STREAM[2],
    ("GET", "/sapi/v1/system/status"): _wallet(wallet.system_status, Security.NONE),
    ("GET", "/sapi/v1/capital/config/getall"): _wallet(wallet.coins),
    ("GET", "/sapi/v1/capital/deposit/address"): _wallet(wallet.deposit_address),
    ("GET", "/sapi/v1/capital/deposit/hisrec"): _wallet(wallet.deposits),
    ("GET", "/sapi/v1/capital/withdraw/history"): _wallet(wallet.withdrawals),
    ("POST", "/sapi/v1/capital/withdraw/apply"): _wallet(wallet.withdraw, scope=Scope.WITHDRAW),
    ("GET", "/sapi/v1/asset/tradeFee"): _wallet(account.trade_fees),
    ("POST", "/sapi/v3/asset/getUserAsset"): _wallet(wallet.user_assets),
    ("GET", "/sapi/v1/fiat/orders"): _wallet(wallet.fiat_orders),
    ("GET", "/sapi/v1/account/apiRestrictions"): _wallet(wallet.api_restrictions),
    ("GET", "/sapi/v1/account/status"): _wallet(wallet.account_status),
    ("GET", "/sapi/v1/account/apiTradingStatus"): _wallet(wallet.trading_status),
    ("GET", "/sapi/v1/account/info"): _wallet(wallet.account_info),
    ("GET", "/sapi/v1/margin/allPairs"): _wallet(account.nothing, Security.KEY),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): _wallet(account.nothing),
    ("GET", "/sapi/v1/spot/delist-schedule"): _wallet(account.nothing, Security.KEY),
    ("GET", "/fapi/v1/exchangeInfo"): Endpoint(market_data.no_symbols),
    ("GET", "/dapi/v1/exchangeInfo"): Endpoint(market_data.no_symbols),
}

WEBSOCKET: Mapping[str, Endpoint] = {
    "ping": _PING,
    "time": _TIME,
    "exchangeInfo": _INFO,
    "depth": _DEPTH,
    "trades.recent": _TRADES,
    "trades.historical": _HISTORICAL,
    "trades.aggregate": _AGGREGATE,
    "klines": _KLINES,
    "uiKlines": _KLINES,
    "avgPrice": _AVERAGE,
    "ticker.24hr": _TICKER_DAY,
    "ticker.tradingDay": _TICKER_TODAY,
    "ticker": _TICKER,
    "ticker.price": _TICKER_PRICE,
    "ticker.book": _TICKER_BOOK,
    "order.place": _PLACE,
    "order.test": _TEST,
    "order.status": _FIND,
    "order.cancel": _CANCEL,
    "order.cancelReplace": _REPLACE,
    "order.amend.keepPriority": _AMEND,
    "order.amendments": _NOTHING,
    "openOrders.status": _OPEN,
    "openOrders.cancelAll": _CANCEL_OPEN,
    "allOrders": _ALL,
    "orderList.place": _OCO_OLD,
    "orderList.place.oco": _OCO,
    "orderList.status": _LIST,
    "orderList.cancel": _CANCEL_LIST,
    "openOrderLists.status": _OPEN_LISTS,
    "allOrderLists": _ALL_LISTS,
    "account.status": _ACCOUNT,
    "account.commission": _COMMISSION,
    "account.rateLimits.orders": _ORDER_RATES,
    "myTrades": _MY_TRADES,
    "myPreventedMatches": _PREVENTED,
    "myAllocations": _NOTHING,
    "myFilters": _FILTERS,
    "userDataStream.start": _OLD_STREAM[0],
    "userDataStream.ping": _OLD_STREAM[1],
    "userDataStream.stop": _OLD_STREAM[2],
}
