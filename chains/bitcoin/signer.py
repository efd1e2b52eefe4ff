"""Signing Bitcoin transactions; only the signer process imports this."""

from __future__ import annotations

from collections.abc import Mapping

from chains.bitcoin.network import Network
from chains.bitcoin.transaction import (
    SignedTransaction,
    UnsignedTransaction,
    attach,
    sighashes,
)
from chains.secp256k1 import DigestSigner


async def sign(
    unsigned: UnsignedTransaction, signers: Mapping[bytes, DigestSigner], network: Network
) -> SignedTransaction:
    """Sign every input with the holder of its public key, verify, and compute the txid."""
    signatures = [
        await signers[utxo.public_key].sign(digest)
        for utxo, digest in zip(unsigned.inputs, sighashes(unsigned, network), strict=True)
    ]
    return attach(unsigned, signatures, network)
