"""Unsigned transactions for offline signers, as PSBTs (BIP 174)."""

from __future__ import annotations

from embit.psbt import PSBT
from embit.script import Script
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from chains.bitcoin.transaction import (
    SEQUENCE_REPLACEABLE,
    VERSION,
    UnsignedTransaction,
)

NO_KEY = b"\x02" + bytes(32)
"""Stands where a coin names its key: the offline signer finds its own."""


def unsigned(transaction: UnsignedTransaction, spent_script: bytes) -> str:
    """Base64 of a PSBT whose inputs all stand on `spent_script`, each with its witness UTXO."""
    inputs = [
        TransactionInput(
            bytes.fromhex(utxo.outpoint.txid), utxo.outpoint.vout, sequence=SEQUENCE_REPLACEABLE
        )
        for utxo in transaction.inputs
    ]
    outputs = [
        TransactionOutput(output.satoshi, Script(output.locking_script))
        for output in transaction.outputs
    ]
    psbt = PSBT(Transaction(VERSION, inputs, outputs, transaction.locktime))
    for scope, utxo in zip(psbt.inputs, transaction.inputs, strict=True):
        scope.witness_utxo = TransactionOutput(utxo.satoshi, Script(spent_script))
    text: str = psbt.to_string()
    return text
