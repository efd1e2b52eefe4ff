"""Fills a search index from the tables: after the server forgot it, or for a new mapping."""

from __future__ import annotations

from collections.abc import Iterator

from activities.projecting.store import Store
from projections import chain, document
from projections.document import Document
from projections.listings import Listings
from storage import dynamo_chain, dynamo_orders, dynamo_trades
from storage.search_index import BULK_DOCUMENTS, DocumentRefused, SearchIndex


def refill(store: Store, search: SearchIndex, listings: Listings) -> Iterator[int]:
    """Index everything the tables hold; yields how many documents are done so far.

    Events may be applied meanwhile: of two versions of a document the newer stays.
    """
    done = 0
    page: list[Document] = []
    for each in _documents(store, listings):
        page.append(each)
        if len(page) == BULK_DOCUMENTS:
            done += _write(search, page)
            page = []
            yield done
    yield done + _write(search, page)


def _documents(store: Store, listings: Listings) -> Iterator[Document]:
    for state in dynamo_chain.scan(store.dynamo):
        yield from _of_chain(state, listings)
    for order in dynamo_orders.scan(store.dynamo):
        yield document.of_order(order, listings.market(order.market))
    for trade in dynamo_trades.scan(store.dynamo):
        yield document.of_trade(trade, listings.market(trade.market))


def _of_chain(state: dynamo_chain.State, listings: Listings) -> Iterator[Document]:
    match state:
        case chain.Block():
            yield chain.of_block(state)
        case chain.Output():
            if state.asset:
                yield chain.of_output(state, listings.asset(state.asset))
        case chain.Deposit():
            yield chain.of_deposit(state, listings.asset(state.asset))
        case chain.Withdrawal():
            yield chain.of_withdrawal(state, listings.asset(state.asset))


def _write(search: SearchIndex, page: list[Document]) -> int:
    refused: list[DocumentRefused] = search.write([each.source() for each in page])
    if refused:
        raise refused[0]
    return len(page)
