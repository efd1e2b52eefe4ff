"""Fills a search index from the tables: after the server forgot it, or for a new mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from activities.projecting.store import Store
from projections import chain, document
from projections.document import Document, Kind
from projections.listings import Listings
from storage import dynamo_chain, dynamo_orders, dynamo_trades
from storage.dynamo import Dynamo
from storage.search_index import BULK_DOCUMENTS, DocumentRefused, SearchIndex


def reindex(store: Store, listings: Listings) -> Iterator[int]:
    """Fill the store's indexes and have them serve; yields how many documents are done so far.

    While other indexes serve, of an older mapping, they go on until these are full; then one step
    takes their place. Without any, what is there so far is found meanwhile.
    """
    search = store.search
    search.prepare(serves=not search.is_served())
    yield from refill(store, search, listings)
    search.serve()
    search.mark_filled()
    search.drop_other_mappings()


def refill(store: Store, search: SearchIndex, listings: Listings) -> Iterator[int]:
    """Index everything the tables hold; yields how many documents are done so far.

    Events may be applied meanwhile: of two versions of a document the newer stays.
    """
    done = 0
    page: list[Document] = []
    for each in documents(store, listings):
        page.append(each)
        if len(page) == BULK_DOCUMENTS:
            done += _write(search, page)
            page = []
            yield done
    yield done + _write(search, page)


def documents(store: Store, listings: Listings) -> Iterator[Document]:
    """All that the tables hold, in no order."""
    for state in dynamo_chain.scan(store.dynamo):
        found = of_chain(state, listings)
        if found is not None:
            yield found
    for order in dynamo_orders.scan(store.dynamo):
        yield document.of_order(order, listings.market(order.market))
    for trade in dynamo_trades.scan(store.dynamo):
        yield document.of_trade(trade, listings.market(trade.market))


def documents_of(
    store: Store, listings: Listings, kind: Kind, ids: Sequence[str]
) -> Iterator[Document]:
    """Those of the documents that the tables hold; an id that makes no sense has none."""
    match kind:
        case Kind.TRADE:
            keys = [place for each in ids if (place := _split(each))]
            for trade in dynamo_trades.find_trades(store.dynamo, keys):
                yield document.of_trade(trade, listings.market(trade.market))
        case Kind.ORDER:
            numbers = [int(each) for each in ids if each.isdecimal()]
            for order in dynamo_orders.order_states(store.dynamo, numbers).values():
                yield document.of_order(order, listings.market(order.market))
        case _:
            for state in _chain_states(store.dynamo, kind, ids):
                found = of_chain(state, listings)
                if found is not None:
                    yield found


def _chain_states(dynamo: Dynamo, kind: Kind, ids: Sequence[str]) -> Sequence[dynamo_chain.State]:
    match kind:
        case Kind.DEPOSIT:
            return dynamo_chain.find_deposits(dynamo, ids)
        case Kind.WITHDRAWAL:
            return dynamo_chain.find_withdrawals(dynamo, ids)
        case Kind.BLOCK:
            blocks = [(chain, each) for chain, _, each in (i.partition("-") for i in ids)]
            return dynamo_chain.find_blocks(dynamo, blocks)
        case _:
            outputs = []
            for each in ids:
                chain_name, _, rest = each.partition("-")
                if place := _split(rest):
                    outputs.append((chain_name, *place))
            return dynamo_chain.find_outputs(dynamo, outputs)


def _split(name: str) -> tuple[str, int] | None:
    """`BTC-USDT-12` is trade 12 of BTC-USDT."""
    subject, _, number = name.rpartition("-")
    return (subject, int(number)) if number.isdecimal() else None


def of_chain(state: dynamo_chain.State, listings: Listings) -> Document | None:
    """None while only the orphaning of an output is known."""
    match state:
        case chain.Block():
            return chain.of_block(state)
        case chain.Output():
            return chain.of_output(state, listings.asset(state.asset)) if state.asset else None
        case chain.Deposit():
            return chain.of_deposit(state, listings.asset(state.asset))
        case chain.Withdrawal():
            return chain.of_withdrawal(state, listings.asset(state.asset))


def _write(search: SearchIndex, page: list[Document]) -> int:
    refused: list[DocumentRefused] = search.write([each.source() for each in page])
    if refused:
        raise refused[0]
    return len(page)
