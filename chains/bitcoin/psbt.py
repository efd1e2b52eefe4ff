"""Transactions for keys that are offline: exported as a PSBT (BIP 174), taken back when signed.

The cold wallet's owners see amounts and payees on their devices; nothing here can sign.
"""

from __future__ import annotations

from embit import script
from embit.finalizer import finalize_psbt
from embit.psbt import PSBT
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from chains.bitcoin.addresses import p2wpkh_script
from chains.bitcoin.transaction import (
    SEQUENCE_REPLACEABLE,
    VERSION,
    SignedTransaction,
    UnsignedTransaction,
    txid_of,
    vsize_of,
)

NO_KEY = b"\x02" + bytes(32)
"""Stands where a coin names its key: the offline signer finds its own."""


class PsbtMismatch(ValueError):
    """What came back is not what was exported, or not fully signed."""


def export(unsigned: UnsignedTransaction, *, spent_script: bytes | None = None) -> str:
    """The PSBT in base64, with what each input spends, so that a device can show the fee.

    `spent_script`: what all inputs are locked to, where their keys are not known to us (NO_KEY).
    """
    psbt = PSBT(_transaction(unsigned))
    for utxo, psbt_input in zip(unsigned.inputs, psbt.inputs, strict=True):
        locking_script = script.Script(spent_script or p2wpkh_script(utxo.public_key))
        psbt_input.witness_utxo = TransactionOutput(utxo.satoshi, locking_script)
    text = psbt.to_base64()
    assert isinstance(text, str)
    return text


def unsigned_txid(psbt_text: str) -> str:
    """The transaction's id: signatures do not change it, for all that we spend is segwit."""
    txid: bytes = PSBT.from_base64(psbt_text).tx.txid()
    return txid.hex()


def take_back(unsigned: UnsignedTransaction, signed_psbt: str) -> SignedTransaction:
    """The finished transaction. Raises PsbtMismatch unless it is `unsigned`, signed by all."""
    try:
        psbt = PSBT.from_base64(signed_psbt)
    except Exception:  # noqa: BLE001 - embit raises whatever its parsing stumbles over
        raise PsbtMismatch("not a PSBT") from None
    wanted = _transaction(unsigned).txid()
    if psbt.tx.txid() != wanted:
        raise PsbtMismatch("the PSBT is of another transaction")
    final = finalize_psbt(psbt)
    if final is None or any(not vin.witness.items for vin in final.vin):
        raise PsbtMismatch("not every input is signed")
    raw: bytes = final.serialize()
    txid = txid_of(raw)
    assert txid == wanted.hex(), "a witness must not change the txid"
    return SignedTransaction(raw, txid, vsize_of(raw), unsigned.fee_satoshi)


def _transaction(unsigned: UnsignedTransaction) -> Transaction:
    inputs = [
        TransactionInput(
            bytes.fromhex(utxo.outpoint.txid), utxo.outpoint.vout, sequence=SEQUENCE_REPLACEABLE
        )
        for utxo in unsigned.inputs
    ]
    outputs = [
        TransactionOutput(output.satoshi, script.Script(output.locking_script))
        for output in unsigned.outputs
    ]
    return Transaction(version=VERSION, vin=inputs, vout=outputs, locktime=unsigned.locktime)
