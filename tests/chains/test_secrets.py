"""Keys: sealed seeds open only unchanged, signatures are low-s, nothing shows a secret."""

import pytest
from botocore.exceptions import ClientError
from coincurve import PrivateKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from chains.keys import (
    SEED_BYTES,
    DerivedKey,
    ExtendedPrivateKey,
    KmsKey,
    open_seed,
    seal_new_seed,
)
from chains.secp256k1 import ORDER, Signature, SignatureMismatch
from streams.aws import client

SEED_KEY = "alias/rialto-seed"


@pytest.mark.stack
async def test_a_sealed_seed_opens_to_the_same_keys(aws: None):
    kms = client("kms")
    sealed = await seal_new_seed(kms, SEED_KEY, "s1")

    first = await open_seed(kms, SEED_KEY, "s1", sealed)
    second = await open_seed(kms, SEED_KEY, "s1", sealed)

    version = bytes.fromhex("043587cf")
    assert first.derive("m/84'/1'/0'").xpub(version) == second.derive("m/84'/1'/0'").xpub(version)
    assert len(sealed) > SEED_BYTES + 28


@pytest.mark.stack
async def test_a_changed_seal_does_not_open(aws: None):
    kms = client("kms")
    sealed = await seal_new_seed(kms, SEED_KEY, "s1")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])

    with pytest.raises(InvalidTag):
        await open_seed(kms, SEED_KEY, "s1", changed)


@pytest.mark.stack
async def test_a_seal_opens_only_under_its_own_name(aws: None):
    kms = client("kms")
    sealed = await seal_new_seed(kms, SEED_KEY, "s1")

    with pytest.raises((ClientError, InvalidTag)):  # Whichever looks first.
        await open_seed(kms, SEED_KEY, "s2", sealed)


@pytest.mark.stack
async def test_kms_signatures_are_low_and_recoverable(aws: None):
    key = await KmsKey.open(client("kms"), "alias/rialto-hot-ethereum")
    digests = [number.to_bytes(32, "big") for number in range(1, 25)]

    signatures = [await key.sign(digest) for digest in digests]

    for digest, signature in zip(digests, signatures, strict=True):
        assert signature.s <= ORDER // 2
        signature.verify(digest, key.public_key)
        assert signature.parity(digest, key.public_key) in (0, 1)


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_a_high_s_is_folded_to_its_low_twin(r: int, s: int):
    signature = Signature.from_der(encode_dss_signature(r, s))

    assert signature.r == r
    assert signature.s in (s, ORDER - s)
    assert signature.s <= ORDER // 2
    assert Signature.from_der(signature.der) == signature


async def test_derived_keys_sign_the_same_digest_alike():
    key = DerivedKey(PrivateKey(b"\x07" * 32))

    assert await key.sign(b"\x01" * 32) == await key.sign(b"\x01" * 32)


async def test_a_signature_under_another_key_is_recognised():
    mine, other = DerivedKey(PrivateKey(b"\x07" * 32)), DerivedKey(PrivateKey(b"\x08" * 32))
    signature = await mine.sign(b"\x01" * 32)

    with pytest.raises(SignatureMismatch):
        signature.verify(b"\x01" * 32, other.public_key)
    with pytest.raises(SignatureMismatch):
        signature.parity(b"\x01" * 32, other.public_key)


def test_no_key_object_shows_its_secret():
    secret = b"\x07" * 32
    root = ExtendedPrivateKey.from_seed(secret * 2)
    key = root.derive("m/0'").key()

    for shown in (repr(root), str(root), repr(key), str(key)):
        assert "0707" not in shown
        assert root._private.secret.hex() not in shown
    assert not hasattr(key, "__dict__")
