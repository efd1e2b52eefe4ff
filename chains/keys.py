"""Private keys: hot wallets' inside KMS, deposit addresses' under a seed that KMS seals.

Only the signer imports this. Nothing here is ever logged, returned or put into an exception: what
leaves are public keys, addresses' extended public keys and signatures.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Self

from coincurve import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from embit import base58

from chains.hd import HARDENED
from chains.secp256k1 import ORDER, Signature

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

SEED_BYTES = 64
_SEAL_VERSION = b"\x01"
_NONCE_BYTES = 12


class KmsKey:
    """A secp256k1 key that never leaves KMS; signs digests."""

    def __init__(self, kms: KMSClient, key_id: str, public_key: bytes) -> None:
        self._kms = kms
        self.key_id = key_id
        self.public_key = public_key

    @classmethod
    async def open(cls, kms: KMSClient, key_id: str) -> Self:
        """Read the public half once. Raises when the key is missing or not on this curve."""
        answer = await asyncio.to_thread(kms.get_public_key, KeyId=key_id)
        key = serialization.load_der_public_key(answer["PublicKey"])
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256K1), "hot wallets need an ECC_SECG_P256K1 key"
        compressed = key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        return cls(kms, key_id, compressed)

    async def sign(self, digest: bytes) -> Signature:
        """Low-s signature, verified before it is used: KMS returns either half, nodes take one."""
        assert len(digest) == hashlib.sha256().digest_size
        answer = await asyncio.to_thread(
            self._kms.sign,
            KeyId=self.key_id,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        signature = Signature.from_der(answer["Signature"])
        signature.verify(digest, self.public_key)
        return signature


class DerivedKey:
    """The key of one deposit address. Signs; shows nothing else."""

    __slots__ = ("_private", "public_key")

    def __init__(self, private: PrivateKey) -> None:
        self._private = private
        self.public_key: bytes = private.public_key.format()

    async def sign(self, digest: bytes) -> Signature:
        """Deterministic (RFC 6979) and low-s, in constant time (libsecp256k1)."""
        return Signature.from_compact(self._private.sign_recoverable(digest, hasher=None))


class ExtendedPrivateKey:
    """A node of the BIP 32 tree under the deposit seed."""

    __slots__ = ("_chain_code", "_depth", "_number", "_parent", "_private")

    def __init__(
        self,
        private: PrivateKey,
        chain_code: bytes,
        depth: int = 0,
        number: int = 0,
        parent: bytes = bytes(4),
    ) -> None:
        self._private, self._chain_code = private, chain_code
        self._depth, self._number, self._parent = depth, number, parent

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        digest = hmac.digest(b"Bitcoin seed", seed, hashlib.sha512)
        return cls(PrivateKey(digest[:32]), digest[32:])

    def derive(self, path: str) -> ExtendedPrivateKey:
        """Follow a path such as `m/84'/1'/0'`; `h` also marks hardened steps."""
        node = self
        for step in path.removeprefix("m").strip("/").split("/"):
            hardened = step.endswith(("'", "h"))
            node = node._child(int(step.rstrip("'h")) + (HARDENED if hardened else 0))
        return node

    def key(self) -> DerivedKey:
        return DerivedKey(self._private)

    def xpub(self, version: bytes) -> str:
        """The public half in base58, for the processes that make addresses."""
        public_key = self._private.public_key.format()
        payload = (
            version
            + bytes([self._depth])
            + self._parent
            + self._number.to_bytes(4, "big")
            + self._chain_code
            + public_key
        )
        encoded = base58.encode_check(payload)
        assert isinstance(encoded, str)
        return encoded

    def _child(self, number: int) -> ExtendedPrivateKey:
        public_key = self._private.public_key.format()
        parent = b"\x00" + self._private.secret if number >= HARDENED else public_key
        digest = hmac.digest(self._chain_code, parent + number.to_bytes(4, "big"), hashlib.sha512)
        assert int.from_bytes(digest[:32], "big") < ORDER
        fingerprint = hashlib.new("ripemd160", hashlib.sha256(public_key).digest()).digest()[:4]
        return ExtendedPrivateKey(
            self._private.add(digest[:32]), digest[32:], self._depth + 1, number, fingerprint
        )


async def seal_new_seed(kms: KMSClient, key_id: str, seed_id: str) -> bytes:
    """Make a seed from the system's randomness and return it sealed; the clear seed is dropped."""
    answer = await asyncio.to_thread(
        kms.generate_data_key,
        KeyId=key_id,
        KeySpec="AES_256",
        EncryptionContext=_context(seed_id),
    )
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(answer["Plaintext"]).encrypt(
        nonce, secrets.token_bytes(SEED_BYTES), _associated(seed_id)
    )
    wrapped = answer["CiphertextBlob"]
    return _SEAL_VERSION + len(wrapped).to_bytes(2, "big") + wrapped + nonce + sealed


async def open_seed(kms: KMSClient, key_id: str, seed_id: str, sealed: bytes) -> ExtendedPrivateKey:
    """Unseal into the root of the deposit keys. Raises when anything about the seal was changed."""
    assert sealed[:1] == _SEAL_VERSION
    end = 3 + int.from_bytes(sealed[1:3], "big")
    answer = await asyncio.to_thread(
        kms.decrypt,
        KeyId=key_id,
        CiphertextBlob=sealed[3:end],
        EncryptionContext=_context(seed_id),
    )
    nonce, body = sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
    return ExtendedPrivateKey.from_seed(
        AESGCM(answer["Plaintext"]).decrypt(nonce, body, _associated(seed_id))
    )


def _context(seed_id: str) -> dict[str, str]:
    return {"purpose": "deposit-seed", "seed": seed_id}


def _associated(seed_id: str) -> bytes:
    return b"rialto deposit seed " + seed_id.encode()
