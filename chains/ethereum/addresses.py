"""Ethereum addresses: EIP-55 checksums, and ours derived from the account xpub."""

from __future__ import annotations

import re

import rlp  # type: ignore[import-untyped]
from eth_utils.crypto import keccak

from chains.hd import deposit_public_key
from chains.secp256k1 import uncompressed
from domain.errors import InvalidAddress

ACCOUNT_PATH = "m/44'/60'/0'"
"""BIP 44 path of the account whose xpub makes the deposit addresses."""
XPUB_VERSION = bytes.fromhex("0488b21e")

_HEX = re.compile(r"0x[0-9a-fA-F]{40}")
_PRECOMPILES_END = 0x10000
"""Addresses this small are the network's own contracts; nobody holds their keys."""


def parse_address(text: str) -> str:
    """The address with its checksum. Raises InvalidAddress.

    All-lower and all-upper spellings carry no checksum and are taken; a mixed one must be right.
    """
    if not _HEX.fullmatch(text):
        raise InvalidAddress("not an Ethereum address: expected 0x and 40 hexadecimal digits")
    checksummed = checksum_address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and text != checksummed:
        raise InvalidAddress("the address has a bad checksum (EIP-55)")
    if int(digits, 16) < _PRECOMPILES_END:
        raise InvalidAddress("nobody holds the key of this address")
    return checksummed


def address_of(public_key: bytes) -> str:
    """Checksummed address of a compressed public key."""
    return checksum_address(keccak(uncompressed(public_key))[-20:])


def checksum_address(address: bytes) -> str:
    """EIP-55: a letter is a capital where the hash of the lower-case text has a high digit."""
    lower = address.hex()
    digest = keccak(lower.encode()).hex()
    return "0x" + "".join(
        [c.upper() if high > "7" else c for c, high in zip(lower, digest, strict=False)]
    )


def deposit_address(xpub: str, index: int) -> str:
    """Deposit address number `index`: path `m/44'/60'/0'/0/index`."""
    return address_of(deposit_public_key(xpub, index))


def contract_address(creator: str, nonce: int) -> str:
    """Where a contract stands that `creator` deploys with its transaction number `nonce`."""
    return checksum_address(keccak(rlp.encode([bytes.fromhex(creator[2:]), nonce]))[-20:])
