"""Applies chain and custody events to one store."""

from __future__ import annotations

from activities.projecting.reading import ChainFacts
from activities.projecting.store import Store
from projections import chain
from projections.document import Document
from projections.listings import Listings
from storage import dynamo_chain
from storage.search_index import DocumentRefused


def apply(store: Store, facts: ChainFacts, listings: Listings) -> list[DocumentRefused]:
    """Repeats and events that are older than what is known change nothing."""
    dynamo = store.dynamo
    blocks = dynamo_chain.merge_blocks(dynamo, facts.blocks)
    outputs = dynamo_chain.merge_outputs(dynamo, facts.outputs)
    dynamo_chain.put_deposits(dynamo, facts.deposits)
    dynamo_chain.put_withdrawals(dynamo, facts.withdrawals)
    documents: list[Document] = [chain.of_block(block) for block in blocks]
    documents += [
        chain.of_output(output, listings.asset(output.asset)) for output in outputs if output.asset
    ]
    documents += [chain.of_deposit(each, listings.asset(each.asset)) for each in facts.deposits]
    documents += [
        chain.of_withdrawal(each, listings.asset(each.asset)) for each in facts.withdrawals
    ]
    return store.index(documents)
