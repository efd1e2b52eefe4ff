"""Signed texts of P2WPKH addresses: BIP 322 in its simple form.

The digest is that of a transaction which spends a made-up one: its only input refers to an output
that no block can contain, so the signature proves the key and can pay nobody.
"""

from __future__ import annotations

import base64
import hashlib

from embit.hashes import double_sha256

from chains.bitcoin.addresses import p2wpkh_script
from chains.secp256k1 import Signature

_TAG = hashlib.sha256(b"BIP0322-signed-message").digest()
_SIGHASH_ALL = 1
_ZERO = bytes(4)


def digest(text: str, public_key: bytes) -> bytes:
    """What the key of `public_key` signs to sign `text`."""
    script = p2wpkh_script(public_key)
    outpoint = _to_spend_id(text, script) + _ZERO
    script_code = b"\x19\x76\xa9\x14" + script[2:] + b"\x88\xac"
    output = bytes(8) + b"\x01\x6a"
    preimage = (
        _ZERO
        + double_sha256(outpoint)
        + double_sha256(_ZERO)
        + outpoint
        + script_code
        + bytes(8)
        + _ZERO
        + double_sha256(output)
        + _ZERO
        + _SIGHASH_ALL.to_bytes(4, "little")
    )
    return bytes(double_sha256(preimage))


def encode(signature: Signature, public_key: bytes) -> str:
    """The witness in base64, as other tools take it."""
    der = signature.der + bytes([_SIGHASH_ALL])
    witness = b"\x02" + bytes([len(der)]) + der + bytes([len(public_key)]) + public_key
    return base64.b64encode(witness).decode()


def _to_spend_id(text: str, script: bytes) -> bytes:
    message = hashlib.sha256(_TAG + _TAG + text.encode()).digest()
    script_sig = b"\x00\x20" + message
    raw = (
        _ZERO
        + b"\x01"
        + bytes(32)
        + b"\xff\xff\xff\xff"
        + bytes([len(script_sig)])
        + script_sig
        + _ZERO
        + b"\x01"
        + bytes(8)
        + bytes([len(script)])
        + script
        + _ZERO
    )
    return bytes(double_sha256(raw))
