"""How large a transaction of ours will be, before it exists.

Worst case for a P2WPKH input with a low-s signature: 41 bytes outside the witness, 1 + 1 + 72 + 1 +
33 inside it, 68 vbytes. bitcoinlib's own estimate is too low with many inputs, below the relay
minimum.
"""

from __future__ import annotations

from collections.abc import Sequence

from chains.bitcoin.addresses import ScriptKind

INPUT_WEIGHT = 41 * 4 + 1 + 1 + 72 + 1 + 33
_FIXED_WEIGHT = (4 + 4) * 4 + 2
"""Version and locktime, then segwit marker and flag at a quarter each."""
_OUTPUT_BYTES_FIXED = 8 + 1

DUST_SATOSHI = {
    ScriptKind.P2WPKH: 294,
    ScriptKind.P2WSH: 330,
    ScriptKind.P2TR: 330,
    ScriptKind.P2SH: 540,
    ScriptKind.P2PKH: 546,
}
"""Below this, nodes with the default relay fee refuse the output (Core's GetDustThreshold)."""

OUTPUT_SCRIPT_BYTES = {
    ScriptKind.P2WPKH: 22,
    ScriptKind.P2WSH: 34,
    ScriptKind.P2TR: 34,
    ScriptKind.P2SH: 23,
    ScriptKind.P2PKH: 25,
}


def transaction_vsize(input_count: int, output_scripts: Sequence[int]) -> int:
    """Upper bound in vbytes for P2WPKH inputs and outputs whose scripts have these lengths."""
    output_bytes = sum(_OUTPUT_BYTES_FIXED + length for length in output_scripts)
    counts = _compact_size_bytes(input_count) + _compact_size_bytes(len(output_scripts))
    weight = _FIXED_WEIGHT + (counts + output_bytes) * 4 + input_count * INPUT_WEIGHT
    return -(-weight // 4)


def fee_satoshi(vsize: int, fee_rate_satoshi_per_kvbyte: int) -> int:
    """Rounded up: one satoshi too few can fall below the relay minimum."""
    return -(-vsize * fee_rate_satoshi_per_kvbyte // 1000)


def _compact_size_bytes(count: int) -> int:
    if count < 0xFD:
        return 1
    return 3 if count <= 0xFFFF else 5
