"""The signer's other work: prove that an address is ours, by signing a text that moves nothing.

The request names a bundle and nothing else. Each text is built here, from fields of a fixed shape,
and each digest is that of a signed message (BIP 322, EIP-191): by no request and by no row can this
activity be brought to sign a transaction.
"""

from __future__ import annotations

import logging

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.refusals import refusals_end_it
from activities.signing import KeyRing
from activities.signing_rules import SigningRefused
from chains.bitcoin import addresses as bitcoin_addresses
from chains.bitcoin import message as bitcoin_message
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum_addresses
from chains.ethereum import message as ethereum_message
from chains.secp256k1 import DigestSigner
from domain.challenge import Challenge, SignatureFormat
from storage import reserves, signing
from storage.reserves import MadeProof

logger = logging.getLogger(__name__)

_ADDRESSES_MAX = 100_000


class ChallengeSigning:
    def __init__(self, engine: AsyncEngine, keys: KeyRing, network: Network) -> None:
        self._engine = engine
        self._keys = keys
        self._network = network

    @activity.defn
    @refusals_end_it
    async def sign_challenges(self, bundle: str) -> int:
        """Sign for every counted address whose key is online; answers for how many."""
        async with self._engine.begin() as connection:
            try:
                waiting = await reserves.unsigned(connection, bundle, _ADDRESSES_MAX)
            except ValueError as fault:
                raise SigningRefused(str(fault)) from None
            made = []
            for number, each in enumerate(waiting):
                proof = await self._sign(connection, each)
                if proof is not None:
                    made.append(proof)
                activity.heartbeat(number)
            await reserves.write_signatures(connection, bundle, made)
        logger.info("challenges signed", extra={"bundle": bundle, "signatures": len(made)})
        return len(made)

    async def _sign(self, connection: AsyncConnection, challenge: Challenge) -> MadeProof | None:
        location = await signing.key_of(connection, challenge.chain, challenge.address)
        if location is None:
            raise SigningRefused(f"no key of ours belongs to {challenge.address}")
        if location.path is None and location.key_id is None:
            return None  # Cold: its keeper signs offline, and the signature is attached.
        key = await self._keys.find(connection, location)
        if self._address_of(challenge.chain, key) != challenge.address:
            raise SigningRefused("the key does not belong to the address")
        format_, signature = await _signed(challenge, key)
        name = location.key_id or f"{location.seed_id}:{location.path}"
        return MadeProof(challenge.chain, challenge.address, format_, signature, name)

    def _address_of(self, chain: str, key: DigestSigner) -> str:
        if chain == "bitcoin":
            return bitcoin_addresses.p2wpkh_address(key.public_key, self._network)
        return ethereum_addresses.address_of(key.public_key)


async def _signed(challenge: Challenge, key: DigestSigner) -> tuple[SignatureFormat, str]:
    text = challenge.text
    if challenge.chain == "bitcoin":
        digest = bitcoin_message.digest(text, key.public_key)
        signature = await key.sign(digest)
        signature.verify(digest, key.public_key)
        return SignatureFormat.BIP322, bitcoin_message.encode(signature, key.public_key)
    signature = await key.sign(ethereum_message.digest(text))
    return SignatureFormat.EIP191, ethereum_message.encode(signature, text, key.public_key)
