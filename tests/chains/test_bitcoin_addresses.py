from contextlib import suppress

import pytest
from embit import bech32, script
from embit.networks import NETWORKS as EMBIT
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.addresses import ScriptKind, p2wpkh_address_of_hash, parse_address
from chains.bitcoin.network import network
from domain.errors import InvalidAddress

MAINNET, REGTEST = network("bitcoin"), network("regtest")

# BIP 173, BIP 350, and the base58 addresses of old.
PAYABLE = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", ScriptKind.P2WPKH),
    ("bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", ScriptKind.P2WSH),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", ScriptKind.P2TR),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ScriptKind.P2PKH),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", ScriptKind.P2SH),
]
UNPAYABLE = [
    "",
    "bc1",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",  # Checksum.
    "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # Mixed case.
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # Version 1 in bech32.
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",  # Version 16 in bech32.
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # Version 0 in bech32m.
    "bc1pw5dgrnzv",  # One byte.
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",  # Version 2: anyone could spend it.
    "bc1gmk9yu",  # Empty.
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",  # Checksum.
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0fNa",  # 0 is no base58 digit.
    "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",  # A private key.
    "0x742d35Cc6634C0532925a3b844Bc454e4438f44e",
    "bc1q\u0661w508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "x" * 91,
]


@pytest.mark.parametrize(("text", "kind"), PAYABLE)
def test_every_payable_kind_is_read(text: str, kind: ScriptKind):
    address = parse_address(text, MAINNET)

    assert address.kind is kind
    lower = text.lower() if text.isupper() else text
    assert address.locking_script == script.address_to_scriptpubkey(lower).data


def test_capitals_are_the_same_address():
    capitals = parse_address("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", MAINNET)

    assert capitals == parse_address(capitals.text, MAINNET)
    assert capitals.text.islower()


@pytest.mark.parametrize("text", UNPAYABLE)
def test_what_nobody_could_spend_is_refused(text: str):
    with pytest.raises(InvalidAddress):
        parse_address(text, MAINNET)


@pytest.mark.parametrize(("text", "_kind"), PAYABLE)
def test_a_mainnet_address_is_refused_on_regtest(text: str, _kind: ScriptKind):
    with pytest.raises(InvalidAddress, match="another network"):
        parse_address(text, REGTEST)


@given(st.binary(min_size=20, max_size=20), st.sampled_from(["main", "regtest", "signet"]))
def test_addresses_round_trip_through_embit(key_hash: bytes, name: str):
    ours = {"main": MAINNET, "regtest": REGTEST, "signet": network("signet")}[name]
    segwit, legacy = b"\x00\x14" + key_hash, b"\x76\xa9\x14" + key_hash + b"\x88\xac"
    for made in (script.Script(segwit), script.Script(legacy)):
        text = made.address(EMBIT[name])

        assert parse_address(text, ours).locking_script == made.data


@given(st.text(max_size=100))
def test_any_text_is_an_address_or_refused(text: str):
    with suppress(InvalidAddress):
        parse_address(text, REGTEST)


@given(st.binary(min_size=20, max_size=20), st.sampled_from(["bc", "tb", "bcrt"]))
def test_our_bech32_equals_the_reference(key_hash: bytes, hrp: str):
    ours = {"bc": MAINNET, "tb": network("signet"), "bcrt": REGTEST}[hrp]

    assert p2wpkh_address_of_hash(key_hash, ours) == bech32.encode(hrp, 0, key_hash)
