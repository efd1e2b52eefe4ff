"""What counts as a token transfer: exactly one kind of log, as long as its block stands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.ethereum.addresses import checksum_address
from chains.ethereum.erc20 import (
    TRANSFER_TOPIC,
    TokenTransfer,
    read_transfer_call,
    read_transfer_log,
    transfer_call,
)

TOKEN, PAYER, PAYEE = (checksum_address(bytes([number]) * 20) for number in (1, 2, 3))
TOPIC = "0x" + TRANSFER_TOPIC.hex()


def word(address: str) -> str:
    return "0x" + "00" * 12 + address[2:].lower()


def log(**changes: Any) -> dict[str, Any]:
    usual = {
        "address": TOKEN.lower(),
        "topics": [TOPIC, word(PAYER), word(PAYEE)],
        "data": "0x" + (7).to_bytes(32).hex(),
        "transactionHash": "0x" + "ab" * 32,
        "removed": False,
    }
    return {**usual, **changes}


def test_a_transfer_is_read():
    assert read_transfer_log(log()) == TokenTransfer(TOKEN, PAYER, PAYEE, 7, "0x" + "ab" * 32)


@pytest.mark.parametrize(
    "changes",
    [
        {"removed": True},  # Its block left the chain.
        {"topics": [TOPIC, word(PAYER), word(PAYEE), word(PAYEE)]},  # An NFT.
        {"topics": [TOPIC, word(PAYER)]},
        {"topics": [word(PAYER), word(PAYER), word(PAYEE)]},  # Another event.
        {"data": "0x"},
        {"data": "0x" + "00" * 64},
    ],
)
def test_nothing_else_is(changes: dict[str, Any]):
    assert read_transfer_log(log(**changes)) is None


@given(units=st.integers(1, 2**256 - 1))
def test_a_call_comes_back_as_it_was_written(units: int):
    call = transfer_call(PAYEE, units)

    assert read_transfer_call(call) == (PAYEE, units)
    assert read_transfer_call(call + b"\0") is None
    assert read_transfer_call(b"\xff" + call[1:]) is None
