"""Building and signing P2WPKH transactions.

The txid is known before broadcast: it does not cover signatures, and ours is computed from the
final bytes and compared with bitcoinlib's reading of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from embit.hashes import double_sha256

from chains.bitcoin.addresses import Address
from chains.bitcoin.library import Key, LibrarySignature, LibraryTransaction
from chains.bitcoin.network import Network
from chains.bitcoin.size import transaction_vsize
from chains.secp256k1 import Signature
from domain.ids import TxId

VERSION = 2
SEQUENCE_REPLACEABLE = 0xFFFFFFFD
"""Signals replacement (BIP 125), so that a stuck payment can pay a higher fee."""
_SIGHASH_ALL = 1


@dataclass(frozen=True, slots=True, order=True)
class Outpoint:
    txid: TxId
    vout: int

    def __str__(self) -> str:
        return f"{self.txid}:{self.vout}"


@dataclass(frozen=True, slots=True)
class Utxo:
    """An unspent output locked to `public_key` by P2WPKH."""

    outpoint: Outpoint
    satoshi: int
    public_key: bytes
    """Compressed; also names the key that must sign."""


@dataclass(frozen=True, slots=True)
class Output:
    satoshi: int
    locking_script: bytes

    @classmethod
    def to(cls, address: Address, satoshi: int) -> Output:
        return cls(satoshi, address.locking_script)


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """Inputs and outputs in their final order."""

    inputs: tuple[Utxo, ...]
    outputs: tuple[Output, ...]
    locktime: int = 0

    def __post_init__(self) -> None:
        assert self.inputs, "a transaction needs an input"
        assert self.outputs, "a transaction needs an output"
        assert len({utxo.outpoint for utxo in self.inputs}) == len(self.inputs), "input used twice"
        assert all(output.satoshi > 0 for output in self.outputs)
        assert self.fee_satoshi > 0, "outputs exceed inputs"

    @property
    def fee_satoshi(self) -> int:
        return sum(utxo.satoshi for utxo in self.inputs) - sum(o.satoshi for o in self.outputs)

    @property
    def vsize_max(self) -> int:
        return transaction_vsize(len(self.inputs), [len(o.locking_script) for o in self.outputs])


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    raw: bytes
    txid: TxId
    vsize: int
    fee_satoshi: int


def sighashes(unsigned: UnsignedTransaction, network: Network) -> list[bytes]:
    """The digest (BIP 143, SIGHASH_ALL) that each input's key signs, in input order."""
    transaction = _library_transaction(unsigned, network)
    return [_sighash(transaction, index) for index in range(len(unsigned.inputs))]


def attach(
    unsigned: UnsignedTransaction, signatures: Sequence[Signature], network: Network
) -> SignedTransaction:
    """Put signatures made elsewhere in. Raises SignatureMismatch for a wrong one."""
    transaction = _library_transaction(unsigned, network)
    for index, signature in enumerate(signatures):
        digest, utxo = _sighash(transaction, index), unsigned.inputs[index]
        signature.verify(digest, utxo.public_key)
        library_input = transaction.inputs[index]
        library_input.signatures = [
            LibrarySignature(
                signature.r, signature.s, message=digest, public_key=library_input.keys[0]
            )
        ]
        library_input.update_scripts()
    raw: bytes = transaction.raw()
    return _checked(raw, unsigned, network)


def txid_of(raw: bytes) -> TxId:
    """Txid of raw bytes, by our own reading: everything but marker, flag and witnesses, hashed
    twice.
    """
    return TxId(double_sha256(_without_witness(raw))[::-1].hex())


def vsize_of(raw: bytes) -> int:
    weight = 3 * len(_without_witness(raw)) + len(raw)
    return -(-weight // 4)


def _checked(raw: bytes, unsigned: UnsignedTransaction, network: Network) -> SignedTransaction:
    parsed = LibraryTransaction.parse(raw, network=network.name)
    txid = txid_of(raw)
    assert parsed.txid == txid, "two readings of one transaction differ"
    assert [(o.value, bytes(o.lock_script)) for o in parsed.outputs] == [
        (o.satoshi, o.locking_script) for o in unsigned.outputs
    ]
    vsize = vsize_of(raw)
    assert vsize <= unsigned.vsize_max, "larger than the fee was reckoned for"
    return SignedTransaction(raw, txid, vsize, unsigned.fee_satoshi)


def _library_transaction(unsigned: UnsignedTransaction, network: Network) -> LibraryTransaction:
    transaction = LibraryTransaction(
        network=network.name, witness_type="segwit", version=VERSION, locktime=unsigned.locktime
    )
    for utxo in unsigned.inputs:
        transaction.add_input(
            prev_txid=utxo.outpoint.txid,
            output_n=utxo.outpoint.vout,
            keys=Key(utxo.public_key.hex(), network=network.name),
            value=utxo.satoshi,
            witness_type="segwit",
            sequence=SEQUENCE_REPLACEABLE,
        )
    for output in unsigned.outputs:
        transaction.add_output(output.satoshi, lock_script=output.locking_script)
    return transaction


def _sighash(transaction: LibraryTransaction, index: int) -> bytes:
    digest: bytes = transaction.signature_hash(index, _SIGHASH_ALL, witness_type="segwit")
    assert len(digest) == hashlib.sha256().digest_size
    return digest


def _without_witness(raw: bytes) -> bytes:
    """Strip marker, flag and the witness stacks. Only for our own segwit transactions."""
    assert raw[4:6] == b"\x00\x01", "not a segwit transaction"
    end = _Cursor(raw, 6)
    input_count = end.compact_size()
    for _ in range(input_count):
        end.skip(36)
        end.skip(end.compact_size())
        end.skip(4)
    for _ in range(end.compact_size()):
        end.skip(8)
        end.skip(end.compact_size())
    return raw[:4] + raw[6 : end.position] + raw[-4:]


class _Cursor:
    """Reads Bitcoin's variable-length counts while walking over raw bytes."""

    def __init__(self, raw: bytes, position: int) -> None:
        self.raw = raw
        self.position = position

    def skip(self, count: int) -> None:
        self.position += count

    def compact_size(self) -> int:
        first = self.raw[self.position]
        width = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(first, 0)
        start = self.position + 1
        self.position = start + width
        return int.from_bytes(self.raw[start : self.position], "little") if width else first
