"""The tree of liabilities: every customer is a leaf, every node carries the sums below it.

The format is told in docs/proof-of-reserves.md. Nonces come from the caller: this package has no
randomness. Sums are in units of each asset.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

UNITS_MAX = 1 << 128
"""Every sum is below it, so that no verifier in any language meets a number that wraps round."""

_NONCE = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")

Sums = Mapping[str, int]


class BadTree(Exception):
    """These liabilities cannot be published: the message says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Node:
    """A hash over what is below, and what is below adds up to."""

    hash: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one customer is owed, made anonymous to everybody else by its nonce."""

    customer_id: int
    nonce: str
    """32 random bytes in hex, never used before."""
    sums: Sums


@dataclass(frozen=True, slots=True)
class Step:
    """A neighbour on the way up; `side` is where it stands."""

    side: str
    node: Node


@dataclass(frozen=True, slots=True)
class Tree:
    """`levels[0]` are the leaves in the order of their hashes, the last level is the root."""

    leaves: Sequence[Leaf]
    levels: Sequence[Sequence[Node]]

    @property
    def root(self) -> Node:
        return self.levels[-1][0]


def canonical(sums: Sums) -> str:
    """`BTC:150000,ETH:0`. Raises BadTree for what may not be in a sum."""
    for asset, units in sums.items():
        if units < 0:
            raise BadTree(f"{asset} is owed {units}: a sum is negative")
        if units >= UNITS_MAX:
            raise BadTree(f"a sum of {asset} is too large")
    return ",".join(f"{asset}:{sums[asset]}" for asset in sorted(sums))


def leaf_node(bundle: str, leaf: Leaf) -> Node:
    if not _NONCE.fullmatch(leaf.nonce):
        raise BadTree("a nonce is not 32 bytes in hex")
    parts = ("rialto-leaf/1", bundle, str(leaf.customer_id), leaf.nonce, canonical(leaf.sums))
    return Node(_sha256(parts), leaf.sums)


def parent(left: Node, right: Node) -> Node:
    """The node above two. Raises BadTree when the sums do not go together."""
    if left.sums.keys() != right.sums.keys():
        raise BadTree("the assets differ")
    sums = {asset: left.sums[asset] + right.sums[asset] for asset in left.sums}
    canonical(sums)
    parts = ("rialto-node/1", left.hash, canonical(left.sums), right.hash, canonical(right.sums))
    return Node(_sha256(parts), sums)


def build(bundle: str, leaves: Iterable[Leaf]) -> Tree:
    """The tree over these leaves. Raises BadTree.

    Leaves stand in the order of their hashes, so that their places tell nothing of the customers.
    Who has no neighbour moves up as it is: nothing is ever counted twice to fill a level.
    """
    if not _NAME.fullmatch(bundle):
        raise BadTree("a bundle's id is letters, digits and hyphens")
    made = sorted(
        ((leaf_node(bundle, leaf), leaf) for leaf in leaves), key=lambda each: each[0].hash
    )
    if not made:
        raise BadTree("there are no customers")
    ordered = [leaf for _, leaf in made]
    _refuse_repeated("customer", [leaf.customer_id for leaf in ordered])
    _refuse_repeated("nonce", [leaf.nonce for leaf in ordered])
    levels: list[list[Node]] = [[node for node, _ in made]]
    while len(below := levels[-1]) > 1:
        pairs = zip(below[::2], below[1::2], strict=False)
        above = [parent(left, right) for left, right in pairs]
        levels.append(above + below[len(below) & ~1 :])
    return Tree(ordered, levels)


def path_places(position: int, leaves: int) -> list[tuple[int, int]]:
    """Level and position of each neighbour on the way from leaf number `position` to the root."""
    places, level, width = [], 0, leaves
    while width > 1:
        neighbour = position ^ 1
        if neighbour < width:
            places.append((level, neighbour))
        position, level, width = position // 2, level + 1, (width + 1) // 2
    return places


def steps(places: Sequence[tuple[int, int]], found: Mapping[tuple[int, int], Node]) -> list[Step]:
    """The neighbours in their order. An even place stands on the left."""
    return [Step("right" if place[1] % 2 else "left", found[place]) for place in places]


def _refuse_repeated(what: str, values: Sequence[object]) -> None:
    for one, other in pairwise(sorted(str(value) for value in values)):
        if one == other:
            raise BadTree(f"a {what} stands twice: {one[:20]}")


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
