"""ERC-20: the calls we make and the logs we read, in bytes, without a contract object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hexbytes import HexBytes

from chains.ethereum.addresses import checksum_address

TRANSFER_TOPIC = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
"""keccak of Transfer(address,address,uint256)."""

_TRANSFER = bytes.fromhex("a9059cbb")
_BALANCE_OF = bytes.fromhex("70a08231")
_DECIMALS = bytes.fromhex("313ce567")
_UINT256_MAX = 2**256 - 1


@dataclass(frozen=True, slots=True)
class TokenTransfer:
    """One Transfer log."""

    contract: str
    sender: str
    recipient: str
    units: int
    txid: str


def transfer_call(recipient: str, units: int) -> bytes:
    assert 0 < units <= _UINT256_MAX
    return _TRANSFER + _word(recipient) + units.to_bytes(32, "big")


def read_transfer_call(data: bytes) -> tuple[str, int] | None:
    """Recipient and units, if `data` is exactly one plain transfer call."""
    if len(data) != 68 or data[:4] != _TRANSFER or any(data[4:16]):
        return None
    return checksum_address(data[16:36]), int.from_bytes(data[36:], "big")


def balance_of_call(owner: str) -> bytes:
    return _BALANCE_OF + _word(owner)


def decimals_call() -> bytes:
    return _DECIMALS


def read_transfer_log(log: Mapping[str, Any]) -> TokenTransfer | None:
    """The transfer in a log; None for other events, NFTs (4 topics), odd data, removed logs."""
    topics = [bytes(HexBytes(topic)) for topic in log["topics"]]
    data = bytes(HexBytes(log["data"]))
    if len(topics) != 3 or topics[0] != TRANSFER_TOPIC or len(data) != 32 or log.get("removed"):
        return None
    return TokenTransfer(
        contract=checksum_address(bytes(HexBytes(log["address"]))),
        sender=checksum_address(topics[1][-20:]),
        recipient=checksum_address(topics[2][-20:]),
        units=int.from_bytes(data, "big"),
        txid=HexBytes(log["transactionHash"]).to_0x_hex(),
    )


def _word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])
