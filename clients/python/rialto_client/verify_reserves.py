"""Verifies a proof of reserves offline. One file; needs nothing but Python 3.10 or newer.

    python3 verify_reserves.py bundle.json                           # the exchange's signatures
    python3 verify_reserves.py bundle.json --leaf leaf.json --customer 1001
    python3 verify_reserves.py bundle.json --leaves leaves.json      # an auditor's: everything

The exit status is 0 if everything holds, 1 if anything does not. What is checked, and what only the
chains themselves can tell, stands in docs/proof-of-reserves.md of the exchange's repository.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Node = tuple[str, dict[str, int]]
Point = tuple[int, int] | None

UNITS_MAX = 1 << 128
STEPS_MAX = 64
HEX_32 = re.compile(r"[0-9a-f]{64}")


class BadProof(Exception):
    """It does not hold; the message says why."""


# Sums, leaves and nodes.


def units_of(text: object) -> int:
    """Whole units, none negative, none so large that sums could wrap round elsewhere."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,40}", text):
        raise BadProof("a sum is not a whole number")
    if int(text) >= UNITS_MAX:
        raise BadProof("a sum is too large")
    return int(text)


def sums_of(given: object) -> dict[str, int]:
    if not isinstance(given, dict) or not given:
        raise BadProof("sums are missing")
    if not all(re.fullmatch(r"[A-Z0-9]{1,16}", str(asset)) for asset in given):
        raise BadProof("an asset has a strange name")
    return {asset: units_of(units) for asset, units in given.items()}


def canonical(sums: dict[str, int]) -> str:
    return ",".join(f"{asset}:{sums[asset]}" for asset in sorted(sums))


def _hash_lines(*lines: str) -> str:
    if any("\n" in line for line in lines):
        raise BadProof("a field holds a line break")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hex_32(text: object, what: str) -> str:
    if not isinstance(text, str) or not HEX_32.fullmatch(text):
        raise BadProof(f"{what} is not 32 bytes in hex")
    return text


def leaf_node(leaf: Json) -> Node:
    if leaf.get("format") != "rialto-leaf/1":
        raise BadProof("the format is unknown")
    nonce, sums = _hex_32(leaf.get("nonce"), "the nonce"), sums_of(leaf.get("sums"))
    bundle, customer = str(leaf.get("bundle")), str(leaf.get("customer_id"))
    return _hash_lines("rialto-leaf/1", bundle, customer, nonce, canonical(sums)), sums


def parent(left: Node, right: Node) -> Node:
    if left[0] == right[0]:
        raise BadProof("the same leaf or node stands twice")
    if left[1].keys() != right[1].keys():
        raise BadProof("the assets differ")
    sums = {asset: units_of(str(left[1][asset] + right[1][asset])) for asset in left[1]}
    lines = (left[0], canonical(left[1]), right[0], canonical(right[1]))
    return _hash_lines("rialto-node/1", *lines), sums


def verify_leaf(
    leaf: Json, bundle: Json, customer: str | None = None, earlier: Iterable[Json] = ()
) -> None:
    """That the leaf stands in the tree with the bundle's root. Raises BadProof.

    `customer`: whose leaf it must be. `earlier`: leaves of other bundles; no nonce may come again.
    """
    if leaf.get("bundle") != bundle.get("bundle"):
        raise BadProof("leaf and bundle are of different days")
    if customer is not None and leaf.get("customer_id") != customer:
        raise BadProof("the leaf is another customer's")
    if any(old.get("nonce") == leaf.get("nonce") for old in earlier):
        raise BadProof("the nonce was used before")
    path = leaf.get("path")
    if not isinstance(path, list) or len(path) > STEPS_MAX:
        raise BadProof("the path is too long")
    here = leaf_node(leaf)
    for step in path:
        neighbour = (_hex_32(step.get("hash"), "a hash"), sums_of(step.get("sums")))
        if step.get("side") not in ("left", "right"):
            raise BadProof("a neighbour stands on no side")
        is_left = step["side"] == "left"
        here = parent(neighbour, here) if is_left else parent(here, neighbour)
    _expect_root(here, bundle)


def verify_tree(leaves: Sequence[Json], bundle: Json) -> None:
    """That these leaves, and no others, make the bundle's root. Raises BadProof. An auditor's."""
    for what in ("customer_id", "nonce"):
        if len({str(leaf.get(what)) for leaf in leaves}) != len(leaves):
            raise BadProof(f"a {what} stands twice")
    if any(leaf.get("bundle") != bundle.get("bundle") for leaf in leaves):
        raise BadProof("leaf and bundle are of different days")
    if not leaves or len(leaves) != bundle.get("leaves"):
        raise BadProof("the number of leaves is not the published one")
    level = sorted((leaf_node(leaf) for leaf in leaves), key=lambda node: node[0])
    while len(level) > 1:
        above = [parent(one, other) for one, other in zip(level[::2], level[1::2], strict=False)]
        level = above + level[len(level) & ~1 :]
    _expect_root(level[0], bundle)


def _expect_root(found: Node, bundle: Json) -> None:
    if found[0] != bundle["root"]["hash"]:
        raise BadProof("the path does not lead to the published root")
    if found[1] != sums_of(bundle["root"]["sums"]):
        raise BadProof("the sums are not those of the root")


# Reserves: what the exchange says it holds, and the keys that sign for it.


def challenge(bundle: Json, chain: str, address: str) -> str:
    """The text that the address's key signed."""
    block = bundle["blocks"][chain]
    lines = (
        "Rialto proof of reserves, challenge 1",
        f"bundle: {bundle['bundle']}",
        f"liabilities: {bundle['root']['hash']}",
        f"chain: {chain}",
        f"block: {int(block['height'])} {block['hash']}",
        f"address: {address}",
        "This signature moves no funds.",
    )
    if any("\n" in line for line in lines):
        raise BadProof("a field holds a line break")
    return "\n".join(lines)


def verify_bundle(bundle: Json) -> dict[str, tuple[int, int]]:
    """What is owed and what is held, by asset. Raises BadProof unless all is signed and enough."""
    if bundle.get("format") != "rialto-reserves/1":
        raise BadProof("the format is unknown")
    _hex_32(bundle["root"]["hash"], "the root")
    owed = sums_of(bundle["root"]["sums"])
    held = dict.fromkeys(owed, 0)
    signed = {(each["chain"], each["address"]): each for each in bundle["signatures"]}
    for each in _listed_once(bundle["reserves"]):
        if each["asset"] not in held:
            raise BadProof("the assets differ")
        if (each["chain"], each["address"]) not in signed:
            raise BadProof(f"nobody signed for {each['address']}")
        held[each["asset"]] += units_of(each["units"])
    for (chain, address), each in signed.items():
        _verify_signature(challenge(bundle, chain, address), address, each)
    for asset, units in owed.items():
        if held[asset] < units:
            raise BadProof(f"{asset}: {held[asset]} units are held, {units} are owed")
    return {asset: (units, held[asset]) for asset, units in owed.items()}


def _listed_once(reserves: list[Json]) -> list[Json]:
    places = {(each["asset"], each["chain"], each["address"].lower()) for each in reserves}
    if len(places) != len(reserves):
        raise BadProof("an address is listed twice")
    return reserves


def _verify_signature(text: str, address: str, given: Json) -> None:
    kinds = {("bitcoin", "bip322-simple"): bip322_signs, ("ethereum", "eip191"): eip191_signs}
    verify = kinds.get((given["chain"], str(given.get("format"))))
    if verify is None:
        raise BadProof("the format of a signature is unknown")
    try:
        is_good = verify(text, address, given["signature"])
    except (ValueError, IndexError, TypeError):
        is_good = False
    if not is_good:
        raise BadProof(f"the signature of {address} is wrong")


def eip191_signs(text: str, address: str, signature: str) -> bool:
    """Whether the key of the Ethereum address signed the text (EIP-191)."""
    raw = bytes.fromhex(signature[2:])
    if len(raw) != 65 or signature[:2] != "0x" or raw[64] not in (27, 28):
        return False
    message = text.encode()
    digest = keccak256(b"\x19Ethereum Signed Message:\n%d" % len(message) + message)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    point = recovered(int.from_bytes(digest, "big"), r, s, raw[64] - 27)
    if point is None:
        return False
    public_key = point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    return "0x" + keccak256(public_key)[12:].hex() == address.lower()


def bip322_signs(text: str, address: str, signature: str) -> bool:
    """Whether the key of the P2WPKH address signed the text (BIP 322, simple)."""
    raw = base64.b64decode(signature, validate=True)
    der_size = raw[1]
    der, key = raw[2 : 2 + der_size], raw[3 + der_size :]
    if raw[0] != 2 or raw[2 + der_size] != 33 or len(key) != 33 or der[-1] != 1:
        return False
    program = ripemd160(hashlib.sha256(key).digest())
    if _segwit_program(address) != program:
        return False
    r, s = _parse_der(der[:-1])
    digest = int.from_bytes(_bip322_digest(text, program), "big")
    return verifies(digest, r, s, _decompress(key))


def _bip322_digest(text: str, program: bytes) -> bytes:
    tag = hashlib.sha256(b"BIP0322-signed-message").digest()
    message = hashlib.sha256(tag + tag + text.encode()).digest()
    zero, script = bytes(4), b"\x00\x14" + program
    spent = zero + b"\x01" + bytes(32) + b"\xff" * 4 + b"\x22\x00\x20" + message + zero
    spent += b"\x01" + bytes(8) + bytes([len(script)]) + script + zero
    outpoint = _twice(spent) + zero
    code = b"\x19\x76\xa9\x14" + program + b"\x88\xac"
    signed = zero + _twice(outpoint) + _twice(zero) + outpoint + code + bytes(8) + zero
    return _twice(signed + _twice(bytes(8) + b"\x01\x6a") + zero + b"\x01\x00\x00\x00")


def _twice(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def _parse_der(der: bytes) -> tuple[int, int]:
    size = der[3]
    if der[0] != 0x30 or der[1] != len(der) - 2 or der[2] != 2 or der[4 + size] != 2:
        raise ValueError("not DER")
    if der[5 + size] != len(der) - 6 - size:
        raise ValueError("not DER")
    return int.from_bytes(der[4 : 4 + size], "big"), int.from_bytes(der[6 + size :], "big")


def _segwit_program(address: str) -> bytes:
    """The 20 bytes of a P2WPKH address (BIP 173). Raises ValueError."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    prefix, _, data = address.rpartition("1")
    if prefix not in ("bc", "tb", "bcrt"):
        raise ValueError("not a segwit address")
    values = [charset.index(each) for each in data]
    expanded = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    check = 1
    for value in expanded + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, each in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= each if top >> bit & 1 else 0
    if check != 1 or len(values) != 39 or values[0] != 0:
        raise ValueError("not a P2WPKH address")
    number = 0
    for value in values[1:-6]:
        number = number << 5 | value
    return number.to_bytes(20, "big")


# The curve secp256k1, in affine coordinates: slow and plain.

P = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def _add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(number: int, point: Point) -> Point:
    total: Point = None
    while number:
        if number & 1:
            total = _add(total, point)
        point, number = _add(point, point), number >> 1
    return total


def _lift(x: int, parity: int) -> tuple[int, int]:
    """The point with this x. Raises ValueError when there is none."""
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if x >= P or y * y % P != square:
        raise ValueError("not on the curve")
    return x, y if y % 2 == parity else P - y


def _decompress(key: bytes) -> tuple[int, int]:
    if key[0] not in (2, 3):
        raise ValueError("not a compressed key")
    return _lift(int.from_bytes(key[1:], "big"), key[0] & 1)


def _is_low(r: int, s: int) -> bool:
    """Of the two signatures that are as good as each other, only one is taken."""
    return 0 < r < ORDER and 0 < s <= ORDER // 2


def verifies(digest: int, r: int, s: int, key: tuple[int, int]) -> bool:
    if not _is_low(r, s):
        return False
    inverse = pow(s, -1, ORDER)
    found = _add(_times(digest * inverse % ORDER, BASE), _times(r * inverse % ORDER, key))
    return found is not None and found[0] % ORDER == r


def recovered(digest: int, r: int, s: int, parity: int) -> Point:
    """The public key that made the signature; None when there is none."""
    if not _is_low(r, s):
        return None
    inverse = pow(r, -1, ORDER)
    point = _times(s * inverse % ORDER, _lift(r, parity))
    return _add(point, _times(-digest * inverse % ORDER, BASE))


# Hashes that a Python may lack.


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it, before the padding of SHA-3."""
    rate = 136
    padded = bytearray(data + bytes(rate - len(data) % rate))
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), rate):
        for number in range(rate // 8):
            place = start + 8 * number
            lanes[number] ^= int.from_bytes(padded[place : place + 8], "little")
        lanes = _keccak_f(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _keccak_f(lanes: list[int]) -> list[int]:
    state = 1
    for _ in range(24):
        sums = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        lanes = [
            lane ^ sums[(i + 4) % 5] ^ _left(sums[(i + 1) % 5], 1, 64)
            for i, lane in enumerate(lanes)
        ]
        x, y, moved = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            place = x + 5 * y
            lanes[place], moved = _left(moved, (step + 1) * (step + 2) // 2 % 64, 64), lanes[place]
        lanes = [
            lanes[i] ^ (~lanes[i - i % 5 + (i + 1) % 5] & lanes[i - i % 5 + (i + 2) % 5])
            for i in range(25)
        ]
        for bit in range(7):
            lanes[0] ^= (state & 1) << ((1 << bit) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
    return lanes


def _left(word: int, by: int, bits: int) -> int:
    return (word << by | word >> (bits - by)) & ((1 << bits) - 1)


_WORDS = (
    "0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd",
    "5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b",
)

_TURNS = (
    "befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856",
    "899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb",
)
_ADDED = (
    (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E),
    (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0),
)


def _mixed(round_: int, x: int, y: int, z: int) -> int:
    if round_ == 0:
        return x ^ y ^ z
    if round_ == 1:
        return (x & y) | (~x & z)
    if round_ == 2:
        return (x | ~y) ^ z
    if round_ == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def ripemd160(data: bytes) -> bytes:
    """RIPEMD-160, which many builds of OpenSSL leave out."""
    size = (8 * len(data)).to_bytes(8, "little")
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + size
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
    for start in range(0, len(padded), 64):
        block = padded[start : start + 64]
        words = [int.from_bytes(block[place : place + 4], "little") for place in range(0, 64, 4)]
        one, other = _ripemd_line(state, words, 0), _ripemd_line(state, words, 1)
        state = [
            (state[(i + 1) % 5] + one[(i + 2) % 5] + other[(i + 3) % 5]) & 0xFFFFFFFF
            for i in range(5)
        ]
    return b"".join(word.to_bytes(4, "little") for word in state)


def _ripemd_line(state: list[int], words: list[int], line: int) -> list[int]:
    a, b, c, d, e = state
    for step in range(80):
        round_ = step // 16
        mixed = _mixed(4 - round_ if line else round_, b, c, d)
        word = words[int(_WORDS[line][step], 16)]
        turned = _left(
            (a + mixed + word + _ADDED[line][round_]) & 0xFFFFFFFF, int(_TURNS[line][step], 16), 32
        )
        a, b, c, d, e = e, (turned + e) & 0xFFFFFFFF, b, _left(c, 10, 32), d
    return [a, b, c, d, e]


# The command.


def load(path: str) -> Any:
    """A JSON file. A field that stands twice in an object is refused: readers would differ."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(dict(pairs)) != len(pairs):
            raise BadProof("a field stands twice")
        return dict(pairs)

    return json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=once)


def verify_files(
    bundle: str, leaf: str | None, leaves: str | None, customer: str | None, earlier: list[str]
) -> dict[str, tuple[int, int]]:
    """What is owed and held, if all of it holds. Raises BadProof."""
    try:
        published = load(bundle)
        found = verify_bundle(published)
        if leaf is not None:
            verify_leaf(load(leaf), published, customer, [load(each) for each in earlier])
        if leaves is not None:
            verify_tree(load(leaves), published)
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise BadProof(f"it cannot be read: {type(fault).__name__}: {fault}") from fault
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies a proof of reserves offline.")
    parser.add_argument("bundle", help="What the exchange published, as JSON.")
    parser.add_argument("--leaf", help="Your leaf and its path.")
    parser.add_argument("--customer", help="Your customer number: the leaf must be yours.")
    parser.add_argument("--earlier", nargs="*", default=[], help="Your leaves of other bundles.")
    parser.add_argument("--leaves", help="All leaves, as the exchange gives them to its auditor.")
    given = parser.parse_args()
    try:
        found = verify_files(given.bundle, given.leaf, given.leaves, given.customer, given.earlier)
    except BadProof as fault:
        print(f"DOES NOT HOLD: {fault}")
        return 1
    for asset, (owed, held) in sorted(found.items()):
        print(f"{asset}: {owed} units owed, {held} units held by keys that signed")
    if given.leaf is not None:
        print("the leaf stands in the tree")
    if given.leaves is not None:
        print("the leaves are the whole tree")
    print("holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
