from contextlib import suppress

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from chains.ethereum.addresses import checksum_address, contract_address, parse_address
from domain.errors import InvalidAddress

EIP55 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize("text", [EIP55, EIP55.lower(), "0x" + EIP55[2:].upper()])
def test_the_checksummed_form_comes_back(text: str):
    assert parse_address(text) == EIP55


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        EIP55[:-1],
        EIP55 + "0",
        EIP55[2:],
        EIP55.replace("aA", "AA", 1),  # Mixed, with a wrong checksum.
        "0X" + EIP55[2:],
        "0x" + "g" * 40,
        "0x" + "0" * 40,  # Burns.
        "0x" + "0" * 39 + "1",  # A precompile.
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        EIP55 + "\n",
        "0x" + "\u0661" * 40,
    ],
)
def test_what_nobody_could_spend_is_refused(text: str):
    with pytest.raises(InvalidAddress):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str):
    with suppress(InvalidAddress):
        parse_address(text)


def test_contract_addresses_follow_creator_and_nonce():
    # The first contract of anvil's first account, known to every developer.
    creator = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

    assert contract_address(creator, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@given(st.binary(min_size=20, max_size=20))
def test_our_checksum_equals_eth_utils(address: bytes):
    assert checksum_address(address) == to_checksum_address(address)
