"""The tree of liabilities: what may stand in it, and that its sums and paths are right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.reserves import (
    UNITS_MAX,
    BadTree,
    Leaf,
    build,
    leaf_node,
    parent,
    path_places,
    steps,
)

owed = st.lists(st.tuples(st.integers(0, 10**20), st.integers(0, 10**30)), min_size=1, max_size=40)


def nonce(number: int) -> str:
    return f"{number:064x}"


def leaves(amounts: list[tuple[int, int]]) -> list[Leaf]:
    return [
        Leaf(1000 + number, nonce(number), {"BTC": btc, "ETH": eth})
        for number, (btc, eth) in enumerate(amounts)
    ]


@given(owed)
def test_the_root_owes_what_all_are_owed(amounts: list[tuple[int, int]]):
    tree = build("b", leaves(amounts))

    assert tree.root.sums == {
        "BTC": sum(btc for btc, _ in amounts),
        "ETH": sum(eth for _, eth in amounts),
    }
    assert len(tree.leaves) == len(amounts)


@given(owed)
def test_every_leaf_has_a_path_to_the_root(amounts: list[tuple[int, int]]):
    tree = build("b", leaves(amounts))
    nodes = {
        (level, position): node
        for level, found in enumerate(tree.levels)
        for position, node in enumerate(found)
    }

    for position, leaf in enumerate(tree.leaves):
        here = leaf_node("b", leaf)
        for step in steps(path_places(position, len(tree.leaves)), nodes):
            here = parent(step.node, here) if step.side == "left" else parent(here, step.node)
        assert here == tree.root


def test_the_order_of_the_customers_does_not_matter():
    amounts = [(number, 7 * number) for number in range(9)]

    assert build("b", leaves(amounts)).root == build("b", reversed(leaves(amounts))).root


def test_another_bundle_has_another_root():
    assert build("b", leaves([(1, 1)])).root != build("c", leaves([(1, 1)])).root


@pytest.mark.parametrize(
    ("bundle", "wrong", "reason"),
    [
        ("b", [], "no customers"),
        ("b", [Leaf(1, nonce(1), {"BTC": -1})], "negative"),
        ("b", [Leaf(1, nonce(1), {"BTC": UNITS_MAX})], "too large"),
        (
            "b",
            [Leaf(1, nonce(1), {"BTC": UNITS_MAX - 1}), Leaf(2, nonce(2), {"BTC": 1})],
            "too large",
        ),
        (
            "b",
            [Leaf(1, nonce(1), {"BTC": 1}), Leaf(1, nonce(2), {"BTC": 1})],
            "customer stands twice",
        ),
        ("b", [Leaf(1, nonce(1), {"BTC": 1}), Leaf(2, nonce(1), {"BTC": 1})], "nonce stands twice"),
        ("b", [Leaf(1, nonce(1), {"BTC": 1}), Leaf(2, nonce(2), {"ETH": 1})], "assets differ"),
        ("b", [Leaf(1, "short", {"BTC": 1})], "32 bytes"),
        ("b\nc", [Leaf(1, nonce(1), {"BTC": 1})], "bundle's id"),
    ],
)
def test_what_may_not_be_published_is_refused(bundle: str, wrong: list[Leaf], reason: str):
    with pytest.raises(BadTree, match=reason):
        build(bundle, wrong)
