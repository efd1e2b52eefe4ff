"""Order books of others behind one interface; run by their own Python, which has nothing of ours.

`python rival_drivers.py NAME FILE`: FILE holds, marshalled, the orders that build a book and then
those that are measured, each `(order id, is_buy, price, lots)`, a cancel with 0 lots. Prints the
processor seconds of the second part, and the lots that traded in it, as JSON.
"""

from __future__ import annotations

import gc
import json
import marshal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

Item = tuple[int, int, int, int]
Place = Callable[[int, int, int, int], int]
"""Places a limit order; answers how many lots traded."""
Cancel = Callable[[int], object]
Driver = Callable[[], tuple[Place, Cancel]]


def lightmatchingengine() -> tuple[Place, Cancel]:
    module: Any = import_module("lightmatchingengine.lightmatchingengine")
    engine = module.LightMatchingEngine()
    theirs: dict[int, int] = {}

    def place(order_id: int, is_buy: int, price: int, lots: int) -> int:
        order, _ = engine.add_order("X", price, lots, 1 if is_buy else 2)
        theirs[order_id] = order.order_id
        traded: int = order.cum_qty
        return traded

    def cancel(order_id: int) -> None:
        with suppress(AssertionError):  # Its answer to an order that filled with its level.
            engine.cancel_order(theirs[order_id], "X")

    return place, cancel


def akhil4n_orderbook() -> tuple[Place, Cancel]:
    module: Any = import_module("orderbook")
    book = module.OrderBook()
    bid, ask, make = module.OrderSide.BID, module.OrderSide.ASK, module.Order
    theirs: dict[int, str] = {}

    def place(order_id: int, is_buy: int, price: int, lots: int) -> int:
        order = make(bid if is_buy else ask, price, lots)
        theirs[order_id] = order.order_id
        book.add_limit_order(order)
        left: int = order.remaining_quantity
        return lots - left

    return place, lambda order_id: book.cancel_order(theirs[order_id])


def pyorderbook() -> tuple[Place, Cancel]:
    module: Any = import_module("pyorderbook")
    book, bid, ask = module.Book(), module.bid, module.ask
    theirs: dict[int, Any] = {}

    def place(order_id: int, is_buy: int, price: int, lots: int) -> int:
        order = theirs[order_id] = (bid if is_buy else ask)("X", price, lots)
        book.match(order)
        left: int = order.quantity
        return lots - left

    def cancel(order_id: int) -> None:
        order = theirs[order_id]
        if order.quantity:  # It logs an error for each order that is gone.
            with suppress(KeyError):
                book.cancel(order)

    return place, cancel


def litebook() -> tuple[Place, Cancel]:
    module: Any = import_module("litebook")
    book, buy, sell = module.OrderBook(tick_size=1.0), module.OrderType.Buy, module.OrderType.Sell
    theirs: dict[int, str] = {}

    def place(order_id: int, is_buy: int, price: int, lots: int) -> int:
        order = book.create_order(buy if is_buy else sell, float(price), float(lots))
        theirs[order_id] = order.id
        return int(sum(fill.quantity for fill in book.add(order)))

    return place, lambda order_id: book.cancel(theirs[order_id])


def orderly_chaos() -> tuple[Place, Cancel]:
    module: Any = import_module("orderly_chaos")
    book, buy, sell = module.LimitOrderBook(), module.Side.BUY, module.Side.SELL

    def place(order_id: int, is_buy: int, price: int, lots: int) -> int:
        traded: int = book.limit(buy if is_buy else sell, order_id, lots, price)
        return traded

    def cancel(order_id: int) -> None:
        with suppress(module.OrderlyChaosError):  # Its answer to an order that is gone.
            book.cancel(order_id)

    return place, cancel


DRIVERS: dict[str, Driver] = {
    "lightmatchingengine": lightmatchingengine,
    "akhil4n-orderbook": akhil4n_orderbook,
    "pyorderbook": pyorderbook,
    "litebook": litebook,
    "orderly-chaos": orderly_chaos,
}


def drive(driver: Driver, filling: list[Item], measured: list[Item]) -> tuple[float, int]:
    """Processor seconds and traded lots of the measured part, on a new book."""
    place, cancel = driver()
    for item in filling:
        place(*item)
    gc.collect()
    gc.freeze()
    gc.disable()
    traded = 0
    began = time.process_time()
    for order_id, is_buy, price, lots in measured:
        if lots:
            traded += place(order_id, is_buy, price, lots)
        else:
            cancel(order_id)
    seconds = time.process_time() - began
    gc.enable()
    gc.unfreeze()
    return seconds, traded


if __name__ == "__main__":
    filling, measured = marshal.loads(Path(sys.argv[2]).read_bytes())
    print(json.dumps(drive(DRIVERS[sys.argv[1]], filling, measured)))
