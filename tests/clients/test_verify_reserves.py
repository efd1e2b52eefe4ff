"""Wrong proofs of reserves: whatever is wrong with one, both verifiers refuse it."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from coincurve import PublicKey
from embit.hashes import ripemd160
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from rialto_client import verify_reserves

from api.v1.reserves import bundle_answer, leaf_answer
from chains.bitcoin import message as bitcoin_message
from chains.bitcoin.addresses import p2wpkh_address
from chains.bitcoin.network import network
from chains.ethereum import message as ethereum_message
from chains.ethereum.addresses import address_of
from chains.keys import DerivedKey, ExtendedPrivateKey
from domain.challenge import Challenge
from ledger.reserves import Leaf, Tree, build, path_places, steps
from storage.reserves import Block, Holding, MadeProof, Published
from tests.clients.reserves_verifiers import Case, Json, by_browser, by_program

AT = datetime(2026, 11, 28, tzinfo=UTC)
ROOT = ExtendedPrivateKey.from_seed(hashlib.sha512(b"a test's seed").digest())
BLOCKS = {"bitcoin": Block(120, "ab" * 32), "ethereum": Block(77, "0x" + "cd" * 32)}


def a_tree(bundle: str) -> Tree:
    """Five customers: 0, 100, 200, 300 and 400 satoshi and dollar-parts; nonces of this bundle."""
    made = [
        Leaf(
            1000 + number,
            hashlib.sha256(f"{bundle} {number}".encode()).hexdigest(),
            {"BTC": 100 * number, "USDT": 10 * number},
        )
        for number in range(5)
    ]
    return build(bundle, made)


async def signed(bundle: str, root: str, chain: str, key: DerivedKey) -> MadeProof:
    public_key = key.public_key
    if chain == "bitcoin":
        address = p2wpkh_address(public_key, network("regtest"))
    else:
        address = address_of(public_key)
    block = BLOCKS[chain]
    text = Challenge(bundle, root, chain, block.height, block.hash, address).text
    if chain == "bitcoin":
        made = await key.sign(bitcoin_message.digest(text, public_key))
        encoded = bitcoin_message.encode(made, public_key)
        return MadeProof(chain, address, "bip322-simple", encoded, None)
    made = await key.sign(ethereum_message.digest(text))
    encoded = ethereum_message.encode(made, text, public_key)
    return MadeProof(chain, address, "eip191", encoded, None)


async def a_proof(bundle: str = "day-1") -> tuple[Published, Tree]:
    tree = a_tree(bundle)
    proofs = [
        await signed(bundle, tree.root.hash, chain, ROOT.derive(f"m/0/{number}").key())
        for number, chain in enumerate(("bitcoin", "bitcoin", "ethereum"))
    ]
    holdings = [
        Holding("bitcoin", proofs[0].address, "BTC", 600),
        Holding("bitcoin", proofs[1].address, "BTC", 400),
        Holding("ethereum", proofs[2].address, "USDT", 150),
    ]
    found = Published(bundle, AT, 5, tree.root, BLOCKS, holdings, proofs)
    return found, tree


def given_out(bundle: Published, tree: Tree, customer: int) -> Json:
    position = next(
        number for number, leaf in enumerate(tree.leaves) if leaf.customer_id == customer
    )
    nodes = {
        (level, place): node
        for level, found in enumerate(tree.levels)
        for place, node in enumerate(found)
    }
    path = steps(path_places(position, len(tree.leaves)), nodes)
    return leaf_answer(bundle, tree.leaves[position], path).model_dump(mode="json")


@pytest.fixture(scope="module")
async def good() -> Case:
    bundle, tree = await a_proof()
    leaves = [given_out(bundle, tree, each.customer_id) for each in tree.leaves]
    published = bundle_answer(bundle).model_dump(mode="json")
    return Case(published, given_out(bundle, tree, 1003), leaves, "1003")


async def wrong_proofs(good: Case) -> dict[str, tuple[str, Case]]:
    """What is wrong, by name; a part of the reason that must be given; the proof."""
    other_bundle, other_tree = await a_proof("day-2")
    other = given_out(other_bundle, other_tree, 1003)
    published_other = bundle_answer(other_bundle).model_dump(mode="json")
    found: dict[str, tuple[str, Case]] = {}

    def wrong(name: str, reason: str) -> Case:
        case = copy.deepcopy(good)
        found[name] = (reason, case)
        return case

    _wrong_leaves(wrong, other)
    _wrong_trees(wrong)
    _wrong_reserves(wrong, published_other)
    return found


def _wrong_leaves(wrong, other: Json) -> None:
    case = wrong("a customer left out: the leaf belongs to no root", "root")
    case.leaf["customer_id"], case.customer = "2000", "2000"
    case.leaf["nonce"] = "9" * 64
    wrong("a proof of another day", "days").leaf = other
    case = wrong("a leaf of another day dressed up", "root")
    case.leaf = {**other, "bundle": good_name(case)}
    wrong("somebody else's leaf", "another customer").customer = "1001"
    case = wrong("a nonce used before", "used before")
    case.earlier = [{**other, "nonce": case.leaf["nonce"]}]
    wrong("a negative balance", "whole number").leaf["sums"]["BTC"] = "-300"
    wrong("a smaller balance than was hashed", "root").leaf["sums"]["BTC"] = "299"
    wrong("a negative neighbour", "whole number").leaf["path"][0]["sums"]["BTC"] = "-1"
    step = wrong("a node that overflows", "too large").leaf["path"][0]
    step["sums"]["BTC"] = str(2**128 - 1)
    wrong("a sum with a sign", "whole number").leaf["path"][0]["sums"]["BTC"] = "+100"
    wrong("a neighbour without a side", "no side").leaf["path"][0]["side"] = "above"
    wrong("a path cut short", "root").leaf["path"].pop()
    wrong("an endless path", "too long").leaf["path"] *= 40
    case = wrong("a leaf beside itself", "stands twice")
    own = {key: case.leaf[key] for key in ("bundle", "customer_id", "nonce", "sums", "format")}
    alone = verify_reserves.leaf_node(own)
    case.leaf["path"] = [{"side": "right", "hash": alone[0], "sums": case.leaf["sums"]}]
    wrong("other assets", "assets differ").leaf["path"][0]["sums"]["DOGE"] = "1"


def good_name(case: Case) -> str:
    return str(case.bundle["bundle"])


def _wrong_trees(wrong) -> None:
    wrong("the auditor's list lacks a customer", "number of leaves").leaves.pop()
    case = wrong("a customer is left out of list and count", "root")
    case.leaves.pop()
    case.bundle["leaves"] = 4
    case = wrong("a leaf counted twice", "stands twice")
    case.leaves[1] = case.leaves[0]
    case = wrong("two customers behind one nonce", "stands twice")
    case.leaves[1]["nonce"] = case.leaves[0]["nonce"]
    wrong("a balance of the list is negative", "whole number").leaves[2]["sums"]["BTC"] = "-5"
    wrong("a balance of the list is wrong", "root").leaves[2]["sums"]["BTC"] = "7"


def _wrong_reserves(wrong, other: Json) -> None:
    case = wrong("the root's sum made smaller", "sums")
    case.bundle["root"]["sums"]["BTC"] = "1"
    case = wrong("a root's hash nobody signed", "signature")
    case.bundle["root"]["hash"] = "0" * 64
    case = wrong("not enough", "owed")
    case.bundle["reserves"][0]["units"] = "599"
    case = wrong("an address counted twice", "twice")
    case.bundle["reserves"].append(copy.deepcopy(case.bundle["reserves"][0]))
    case = wrong("an address counted twice in another spelling", "twice")
    last = copy.deepcopy(case.bundle["reserves"][-1])
    case.bundle["reserves"].append({**last, "address": last["address"].lower()})
    wrong("a reserve below zero", "whole number").bundle["reserves"][0]["units"] = "-1"
    wrong("nobody signed", "nobody signed").bundle["signatures"].pop()
    for number, name in ((0, "Bitcoin"), (2, "Ethereum")):
        case = wrong(f"{name}'s signature of another day", "signature")
        case.bundle["signatures"][number]["signature"] = other["signatures"][number]["signature"]
        case = wrong(f"{name}'s signature torn", "signature")
        case.bundle["signatures"][number]["signature"] = "0x00"
    case = wrong("another key's signature", "signature")
    case.bundle["signatures"][0]["signature"] = case.bundle["signatures"][1]["signature"]
    wrong("an unknown format", "format").bundle["signatures"][0]["format"] = "trust-me"
    wrong("signed at another block", "signature").bundle["blocks"]["bitcoin"]["height"] = 121
    case = wrong("high-s, as anybody can make of a good one", "signature")
    raw = bytes.fromhex(case.bundle["signatures"][2]["signature"][2:])
    high = verify_reserves.ORDER - int.from_bytes(raw[32:64], "big")
    turned = raw[:32] + high.to_bytes(32, "big") + bytes([55 - raw[64]])
    case.bundle["signatures"][2]["signature"] = "0x" + turned.hex()


def test_a_right_proof_is_accepted_by_the_program_alone(good: Case, tmp_path: Path):
    status, told = by_program(good, tmp_path)

    assert status == 0, told
    assert "BTC: 1000 units owed, 1000 units held" in told
    assert "the leaf stands in the tree" in told
    assert "the leaves are the whole tree" in told


async def test_the_program_refuses_every_wrong_proof(good: Case):
    for name, (reason, case) in (await wrong_proofs(good)).items():
        with pytest.raises(verify_reserves.BadProof, match=reason):  # noqa: PT012
            verify_reserves.verify_bundle(case.bundle)
            assert case.leaf is not None
            verify_reserves.verify_leaf(case.leaf, case.bundle, case.customer, case.earlier)
            assert case.leaves is not None
            verify_reserves.verify_tree(case.leaves, case.bundle)
            pytest.fail(f"accepted: {name}")


async def test_the_web_sites_verifier_refuses_them_too_and_accepts_the_right_one(
    good: Case, tmp_path: Path
):
    wrong = await wrong_proofs(good)

    accepted, *refused = by_browser([good, *(case for _, case in wrong.values())], tmp_path)

    assert accepted == ""
    for (name, (reason, _)), said in zip(wrong.items(), refused, strict=True):
        assert said, f"accepted: {name}"
        assert reason in said, name


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": "rialto-reserves/1"}', '{"format": 1, "format": 2}', "\x00"],
)
def test_what_is_no_bundle_at_all_is_refused_in_words(text: str, tmp_path: Path):
    path = tmp_path / "bundle.json"
    path.write_text(text)

    with pytest.raises(verify_reserves.BadProof):
        verify_reserves.verify_files(str(path), None, None, None, [])


def test_a_field_that_stands_twice_is_refused(good: Case, tmp_path: Path):
    text = json.dumps(good.bundle).replace('"leaves": 5', '"leaves": 5, "leaves": 4')
    path = tmp_path / "bundle.json"
    path.write_text(text)

    with pytest.raises(verify_reserves.BadProof, match="twice"):
        verify_reserves.verify_files(str(path), None, None, None, [])


@given(st.binary(max_size=300))
def test_the_hashes_are_those_of_the_libraries(data: bytes):
    assert verify_reserves.keccak256(data) == keccak(data)
    assert verify_reserves.ripemd160(data) == ripemd160(data)


@settings(max_examples=10, deadline=None)
@given(st.text(max_size=60), st.integers(1, 2**200))
def test_ethereum_signatures_are_those_of_other_tools(text: str, secret: int):
    account = Account.from_key(secret.to_bytes(32, "big"))
    made = account.sign_message(encode_defunct(text=text)).signature.to_0x_hex()

    assert verify_reserves.eip191_signs(text, account.address, made)
    assert not verify_reserves.eip191_signs(text + ".", account.address, made)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "",
            (
                "AkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixp"
                "X8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI="
            ),
        ),
        (
            "Hello World",
            (
                "AkcwRAIgZRfIY3p7/DoVTty6YZbWS71bc5Vct9p9Fia83eRmw2QCICK/ENGfwLtptFluMGs2KsqoNSk89pO7"
                "F29zJLUx9a/sASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI="
            ),
        ),
    ],
)
def test_bip_322s_own_vectors_hold(text: str, made: str):
    address = "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l"

    assert verify_reserves.bip322_signs(text, address, made)
    assert not verify_reserves.bip322_signs(text + "!", address, made)


def test_a_challenge_is_never_the_digest_of_a_transaction():
    """Same key, same bytes: the digest commits to a prefix that no transaction has."""
    public_key = ROOT.derive("m/0/2").key().public_key
    text = Challenge("b", "0" * 64, "ethereum", 1, "0x" + "1" * 64, "0xabc").text

    assert ethereum_message.digest(text) != keccak(text.encode())
    assert PublicKey(public_key).format() == public_key
    for wrong in ({"bundle": "b\naddress: x"}, {"root": "0x"}, {"address": "a b"}, {"height": -1}):
        fields = {
            "bundle": "b",
            "root": "0" * 64,
            "chain": "ethereum",
            "height": 1,
            "block_hash": "0x" + "1" * 64,
            "address": "0xabc",
        }
        with pytest.raises(ValueError, match="challenge"):
            Challenge(**{**fields, **wrong})
