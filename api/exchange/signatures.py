"""Checks a request's signature with an API key: HMAC-SHA256, Ed25519, or RSA PKCS#1 v1.5."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from api.exchange.secret_box import SecretBox
from domain.errors import InvalidInput
from storage.api_keys import ApiKey

_RSA_BITS_MIN = 2048
_RSA_BITS_MAX = 4096


def canonical_request(timestamp: str, method: str, target: str, body: bytes) -> bytes:
    """What a v1 caller signs; `target` is the path with its query, as sent."""
    digest = hashlib.sha256(body).hexdigest()
    return f"{timestamp}\n{method}\n{target}\n{digest}".encode()


def is_signed(key: ApiKey, payload: bytes, signature: str, box: SecretBox) -> bool:
    """Whether the holder of `key` signed exactly `payload`. HMAC in hex, the others in base64."""
    if key.kind == "hmac":
        assert key.secret_sealed is not None
        secret = box.open(key.secret_sealed, context=f"api-key:{key.id}")
        expected = hmac.new(secret, payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())
    assert key.public_key is not None
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return _verified(_load(key.public_key), raw, payload)


def public_key_kind(pem: str) -> str:
    """`ed25519` or `rsa`. Raises InvalidInput for anything else, and for short RSA keys."""
    try:
        key = _load(pem)
    except (ValueError, TypeError):
        raise InvalidInput("public_key is not a public key in PEM form") from None
    if isinstance(key, Ed25519PublicKey):
        return "ed25519"
    if not _RSA_BITS_MIN <= key.key_size <= _RSA_BITS_MAX:
        raise InvalidInput(f"RSA keys have {_RSA_BITS_MIN} to {_RSA_BITS_MAX} bits")
    return "rsa"


def _verified(key: Ed25519PublicKey | RSAPublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, payload)
        else:
            key.verify(signature, payload, PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4096)
def _load(pem: str) -> Ed25519PublicKey | RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
        raise TypeError("neither Ed25519 nor RSA")
    return key
