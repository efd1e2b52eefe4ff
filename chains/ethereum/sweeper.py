"""Gathering tokens from deposit addresses that delegated to one contract (EIP-7702).

The contract's address is made from its code and from the hot wallet (CREATE2): whoever knows both
can compute it and need not believe any table. The signer does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chains.ethereum.addresses import address_of, checksum_address
from chains.ethereum.sweeper_code import CREATION_CODE
from chains.secp256k1 import DigestSigner, Signature

FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""The deterministic deployment proxy: at this address on nearly every chain, and on test nodes."""
AUTHORIZATION_GAS = 25_000
"""Taken for each authorization before anything runs (EIP-7702); half of it is given back later."""

_SALT = bytes(32)
_MAGIC = b"\x05"
"""First byte of what an authorization's key signs (EIP-7702)."""
_DELEGATION = "0xef0100"
"""Code of an address that delegates begins so; the contract's address follows (EIP-7702)."""
_SWEEP_ALL = keccak(text="sweepAll(address,address[],uint256[])")[:4]


@dataclass(frozen=True, slots=True)
class Authorization:
    """A key's consent that its address runs the contract's code. Good for one nonce only."""

    chain_id: int
    contract: str
    nonce: int
    """Of the address that consents; used up when the transaction is mined."""

    @property
    def digest(self) -> bytes:
        fields = [self.chain_id, bytes.fromhex(self.contract[2:]), self.nonce]
        return keccak(_MAGIC + bytes(rlp.encode(fields)))


@dataclass(frozen=True, slots=True)
class SignedAuthorization:
    authorization: Authorization
    signature: Signature
    parity: int
    owner: str
    """The address that consents; nodes recover it from the signature."""


async def authorize(authorization: Authorization, key: DigestSigner) -> SignedAuthorization:
    signature = await key.sign(authorization.digest)
    parity = signature.parity(authorization.digest, key.public_key)
    return SignedAuthorization(authorization, signature, parity, address_of(key.public_key))


def sweeper_address(treasury: str) -> str:
    """Where the contract stands whose only payee and only caller is `treasury`."""
    made = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + _SALT + keccak(_creation_code(treasury)))
    return checksum_address(made[-20:])


def deploy_call(treasury: str) -> bytes:
    """What FACTORY is called with to put the contract there; anybody may."""
    return _SALT + _creation_code(treasury)


def sweep_all_call(token: str, owners: Sequence[str], units: Sequence[int]) -> bytes:
    assert len(owners) == len(units) > 0
    assert all(each > 0 for each in units)
    return _SWEEP_ALL + encode(["address", "address[]", "uint256[]"], [token, owners, units])


def delegation_of(code: str) -> str | None:
    """To which contract an address with this code delegates; None for any other code."""
    if len(code) != len(_DELEGATION) + 40 or not code.startswith(_DELEGATION):
        return None
    return checksum_address(bytes.fromhex(code[len(_DELEGATION) :]))


def _creation_code(treasury: str) -> bytes:
    return CREATION_CODE + encode(["address"], [treasury])
