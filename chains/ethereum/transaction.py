"""Building EIP-1559 and EIP-7702 transactions and reading back what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_account._utils.legacy_transactions import (
    encode_transaction,
    serializable_unsigned_transaction_from_dict,
)
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from chains.ethereum.addresses import address_of
from chains.ethereum.erc20 import transfer_call
from chains.ethereum.fees import TRANSFER_GAS, GasFees
from chains.ethereum.sweeper import SignedAuthorization, sweep_all_call, sweeper_address
from chains.secp256k1 import Signature, SignatureMismatch
from domain.ids import TxId

TYPE_EIP1559 = 2
TYPE_EIP7702 = 4


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    chain_id: int
    nonce: int
    to: str
    """Checksummed; the token contract for token payments."""
    wei: int
    data: bytes
    gas_limit: int
    fees: GasFees
    authorizations: tuple[SignedAuthorization, ...] = ()
    """Of addresses that shall delegate; with any, the transaction is of type 4."""

    def __post_init__(self) -> None:
        assert self.nonce >= 0
        assert self.wei >= 0
        assert self.gas_limit >= TRANSFER_GAS

    @property
    def fee_max_wei(self) -> int:
        """Most that can be paid for gas; the sender must hold this on top of `wei`."""
        return self.gas_limit * self.fees.max_fee_wei

    @property
    def digest(self) -> bytes:
        """What the sender's key signs."""
        return bytes(self._serializable().hash())

    def unsigned_hex(self) -> str:
        """For an offline signer: type byte and RLP of the fields; its keccak is `digest`."""
        assert not self.authorizations, "nothing offline delegates"
        fields = [
            self.chain_id,
            self.nonce,
            self.fees.tip_wei,
            self.fees.max_fee_wei,
            self.gas_limit,
            bytes.fromhex(self.to[2:]),
            self.wei,
            self.data,
            [],
        ]
        unsigned = bytes([TYPE_EIP1559]) + bytes(rlp.encode(fields))
        assert keccak(unsigned) == self.digest, "two readings of one transaction differ"
        return "0x" + unsigned.hex()

    def _serializable(self) -> TypedTransaction:
        fields: Any = {
            "type": TYPE_EIP1559,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "to": self.to,
            "value": self.wei,
            "data": self.data,
            "gas": self.gas_limit,
            "maxFeePerGas": self.fees.max_fee_wei,
            "maxPriorityFeePerGas": self.fees.tip_wei,
        }
        if self.authorizations:
            fields["type"] = TYPE_EIP7702
            fields["authorizationList"] = [_listed(each) for each in self.authorizations]
        transaction = serializable_unsigned_transaction_from_dict(fields)
        assert isinstance(transaction, TypedTransaction)
        return transaction


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    raw: bytes
    txid: TxId
    sender: str


def pay_ether(
    *, chain_id: int, nonce: int, to: str, wei: int, gas_limit: int, fees: GasFees
) -> UnsignedTransaction:
    return UnsignedTransaction(chain_id, nonce, to, wei, b"", gas_limit, fees)


def pay_token(
    *,
    chain_id: int,
    nonce: int,
    contract: str,
    to: str,
    units: int,
    gas_limit: int,
    fees: GasFees,
) -> UnsignedTransaction:
    data = transfer_call(to, units)
    return UnsignedTransaction(chain_id, nonce, contract, 0, data, gas_limit, fees)


def gather_tokens(
    *,
    chain_id: int,
    nonce: int,
    treasury: str,
    token: str,
    owners: Sequence[tuple[str, int]],
    authorizations: Sequence[SignedAuthorization],
    gas_limit: int,
    fees: GasFees,
) -> UnsignedTransaction:
    """Move tokens (owner, units) to `treasury`, which also sends the transaction."""
    data = sweep_all_call(token, [owner for owner, _ in owners], [units for _, units in owners])
    contract = sweeper_address(treasury)
    return UnsignedTransaction(
        chain_id, nonce, contract, 0, data, gas_limit, fees, tuple(authorizations)
    )


def attach(
    unsigned: UnsignedTransaction, signature: Signature, public_key: bytes
) -> SignedTransaction:
    """The signed bytes. Raises SignatureMismatch unless they recover to `public_key`'s address."""
    parity = signature.parity(unsigned.digest, public_key)
    raw = bytes(
        encode_transaction(unsigned._serializable(), vrs=(parity, signature.r, signature.s))  # noqa: SLF001
    )
    sender = address_of(public_key)
    if Account.recover_transaction(raw) != sender:
        raise SignatureMismatch("the signed bytes recover to another sender")
    return SignedTransaction(raw, txid_of(raw), sender)


def txid_of(raw: bytes) -> TxId:
    return TxId(HexBytes(keccak(raw)).to_0x_hex())


def _listed(signed: SignedAuthorization) -> dict[str, object]:
    return {
        "chainId": signed.authorization.chain_id,
        "address": signed.authorization.contract,
        "nonce": signed.authorization.nonce,
        "yParity": signed.parity,
        "r": signed.signature.r,
        "s": signed.signature.s,
    }
