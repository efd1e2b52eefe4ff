"""Our transactions against embit's: sighash, txid and size; and what must never leave."""

from dataclasses import replace

import pytest
from embit import script
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.bitcoin.block import parse_transaction
from chains.bitcoin.signer import sign
from chains.bitcoin.transaction import (
    Output,
    UnsignedTransaction,
    attach,
    sighashes,
    txid_of,
    vsize_of,
)
from chains.secp256k1 import ORDER, Signature, SignatureMismatch
from tests.chains.builders import REGTEST, address, coin, key, pays, unsigned

SIGNERS = {key(number).public_key: key(number) for number in range(1, 5)}


def embit_transaction(ours: UnsignedTransaction) -> Transaction:
    return Transaction(
        version=2,
        vin=[
            TransactionInput(
                bytes.fromhex(utxo.outpoint.txid), utxo.outpoint.vout, sequence=0xFFFFFFFD
            )
            for utxo in ours.inputs
        ],
        vout=[TransactionOutput(o.satoshi, script.Script(o.locking_script)) for o in ours.outputs],
        locktime=ours.locktime,
    )


def embit_sighash(ours: UnsignedTransaction, index: int) -> bytes:
    utxo = ours.inputs[index]
    key_hash = script.p2pkh_from_p2wpkh(script.Script(b"\x00\x14" + _hash160(utxo.public_key)))
    return embit_transaction(ours).sighash_segwit(index, key_hash, utxo.satoshi)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(1, 6), st.integers(300, 50_000))
async def test_sighash_and_txid_equal_embits(input_count: int, output_count: int, fee: int):
    ours = unsigned(input_count, output_count, fee)

    signed = await sign(ours, SIGNERS, REGTEST)

    assert sighashes(ours, REGTEST) == [embit_sighash(ours, i) for i in range(input_count)]
    theirs = Transaction.parse(signed.raw)
    assert signed.txid == theirs.txid().hex() == embit_transaction(ours).txid().hex()
    assert signed.fee_satoshi == fee


@pytest.mark.parametrize("input_count", [1, 2, 10, 50, 253, 300])
async def test_the_size_reckoned_is_never_below_the_real_one(input_count: int):
    ours = unsigned(input_count, output_count=3)

    signed = await sign(ours, SIGNERS, REGTEST)

    assert signed.vsize == vsize_of(signed.raw)
    assert signed.vsize <= ours.vsize_max <= signed.vsize + input_count  # Half a vbyte a signature.


async def test_every_output_kind_is_reckoned():
    kinds = [b"\x00\x14" + bytes(20), b"\x00\x20" + bytes(32), b"\x51\x20" + bytes(32)]
    kinds += [b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", b"\xa9\x14" + bytes(20) + b"\x87"]
    ours = UnsignedTransaction((coin(1, 100_000),), tuple(Output(1_000, kind) for kind in kinds))

    signed = await sign(ours, SIGNERS, REGTEST)

    parsed, end = parse_transaction(signed.raw)
    assert end == len(signed.raw)
    assert parsed.txid == signed.txid == txid_of(signed.raw)
    assert [locking_script for _, locking_script in parsed.outputs] == kinds


async def test_inputs_are_replaceable_and_signatures_low():
    signed = await sign(unsigned(5), SIGNERS, REGTEST)

    theirs = Transaction.parse(signed.raw)
    assert {vin.sequence for vin in theirs.vin} == {0xFFFFFFFD}
    for vin in theirs.vin:
        signature = Signature.from_der(vin.witness.items[0][:-1])
        assert vin.witness.items[0] == signature.der + b"\x01"  # Strict DER, SIGHASH_ALL.


async def test_a_signature_of_another_key_is_refused():
    ours = unsigned(1)
    [digest] = sighashes(ours, REGTEST)
    wrong = await key(4).sign(digest)

    with pytest.raises(SignatureMismatch):
        attach(ours, [wrong], REGTEST)


async def test_a_signature_of_another_transaction_is_refused():
    ours = unsigned(1)
    other = replace(ours, outputs=(pays(66, 90_000),))
    signature = await key(1).sign(sighashes(other, REGTEST)[0])

    with pytest.raises(SignatureMismatch):
        attach(ours, [signature], REGTEST)


def test_a_high_s_signature_cannot_exist():
    with pytest.raises(AssertionError, match="high-s"):
        Signature(1, ORDER // 2 + 1)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: UnsignedTransaction((), (pays(1, 1),)),
        lambda: UnsignedTransaction((coin(1, 1_000),), ()),
        lambda: UnsignedTransaction((coin(1, 1_000), coin(1, 1_000)), (pays(1, 900),)),
        lambda: UnsignedTransaction((coin(1, 1_000),), (pays(1, 1_000),)),  # No fee.
        lambda: UnsignedTransaction((coin(1, 1_000),), (pays(1, 2_000),)),
        lambda: UnsignedTransaction((coin(1, 1_000),), (pays(1, 0),)),
    ],
)
def test_impossible_transactions_cannot_be_described(broken):
    with pytest.raises(AssertionError):
        broken()


def test_the_builder_addresses_are_on_regtest():
    assert address(1).text.startswith("bcrt1q")


def _hash160(data: bytes) -> bytes:
    from embit.hashes import hash160

    return hash160(data)
