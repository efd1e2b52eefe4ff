"""Signed texts of Ethereum addresses: EIP-191 version 0x45, known as `personal_sign`."""

from __future__ import annotations

from eth_utils.crypto import keccak

from chains.secp256k1 import Signature


def digest(text: str) -> bytes:
    """What a key signs to sign `text`. 0x19 begins no transaction, of any type."""
    message = text.encode()
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)


def encode(signature: Signature, text: str, public_key: bytes) -> str:
    """r, s and v in hex, as other tools take it."""
    parity = signature.parity(digest(text), public_key)
    return "0x" + (signature.compact + bytes([27 + parity])).hex()
