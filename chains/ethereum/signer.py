"""Signing Ethereum transactions; only the signer process imports this."""

from __future__ import annotations

from chains.ethereum.transaction import SignedTransaction, UnsignedTransaction, attach
from chains.secp256k1 import DigestSigner


async def sign(unsigned: UnsignedTransaction, signer: DigestSigner) -> SignedTransaction:
    """Sign, find the recovery bit, and check that the bytes recover to the signer's address."""
    signature = await signer.sign(unsigned.digest)
    return attach(unsigned, signature, signer.public_key)
