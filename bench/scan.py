"""Scanning blocks for a million watched addresses: blocks a second, and memory."""

from __future__ import annotations

import asyncio
import json
import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import uvloop

from bench.report import BenchResult, percentile
from chains.bitcoin import block as bitcoin
from chains.bitcoin.library import LibraryTransaction
from chains.block import BlockRef
from chains.watch import AddressSet

ADDRESSES = 1_000_000
TRANSACTIONS = 2_500
"""About as many as a full block of mainnet holds."""
HITS = 5
_INPUTS, _OUTPUTS = 2, 2
_RIVAL_TRANSACTIONS = 50
_MEBIBYTE = 2**20


def made_block(watched: list[bytes], chance: random.Random) -> tuple[bytes, BlockRef]:
    """A full block that pays `watched`; valid but for its proof of work, which we do not check."""
    transactions = [_transaction(chance.randbytes(20), chance) for _ in range(TRANSACTIONS)]
    for place, address in enumerate(watched, start=1):
        transactions[place] = _transaction(address, chance)
    parsed = [bitcoin.parse_transaction(raw)[0].txid_bytes for raw in transactions]
    header = bytes(4) + bytes(32) + bitcoin.merkle_root(parsed) + bytes(12)
    block_hash = sha256(sha256(header).digest()).digest()[::-1].hex()
    ref = BlockRef(1, block_hash, bytes(32).hex(), datetime.fromtimestamp(0, UTC))
    count = b"\xfd" + len(transactions).to_bytes(2, "little")
    return header + count + b"".join(transactions), ref


def _transaction(payee: bytes, chance: random.Random) -> bytes:
    spends = b"".join(
        chance.randbytes(32) + bytes(4) + b"\x00" + b"\xfd\xff\xff\xff" for _ in range(_INPUTS)
    )
    outputs = b"".join(
        (1_000).to_bytes(8, "little") + b"\x16\x00\x14" + key_hash
        for key_hash in (payee, *(chance.randbytes(20) for _ in range(_OUTPUTS - 1)))
    )
    witnesses = (b"\x02\x48" + bytes(72) + b"\x21" + bytes(33)) * _INPUTS
    head = b"\x02\x00\x00\x00\x00\x01"
    body = bytes([_INPUTS]) + spends + bytes([_OUTPUTS]) + outputs
    return head + body + witnesses + bytes(4)


def watch(addresses: list[bytes]) -> tuple[AddressSet, float, float]:
    """The set, its mebibytes, and the mebibytes of a plain set of texts."""
    tracemalloc.start()
    watched = AddressSet()
    for start in range(0, len(addresses), 50_000):
        watched.add_all(addresses[start : start + 50_000])
    ours = tracemalloc.get_traced_memory()[0]
    plain = {address.hex() for address in addresses}
    theirs = tracemalloc.get_traced_memory()[0] - ours
    tracemalloc.stop()
    assert len(plain) == len(addresses)
    return watched, ours / _MEBIBYTE, theirs / _MEBIBYTE


def timed(work: Callable[[], object], seconds: float) -> list[float]:
    """Milliseconds of processor time of each call: the machine may be busy with other work."""
    latencies: list[float] = []
    deadline = time.process_time() + seconds
    while time.process_time() < deadline:
        began = time.process_time()
        work()
        latencies.append((time.process_time() - began) * 1000)
    return sorted(latencies)


def library_blocks_per_second(raw: bytes, seconds: float) -> float:
    """Bitcoinlib on the same transactions; a part of the block, as it takes seconds for all."""
    position, parts = 80 + 3, []
    for _ in range(_RIVAL_TRANSACTIONS):
        _, end = bitcoin.parse_transaction(raw, position)
        parts.append(raw[position:end])
        position = end

    def parse() -> None:
        for part in parts:
            LibraryTransaction.parse(part, network="regtest")

    latencies = timed(parse, seconds)
    share = _RIVAL_TRANSACTIONS / TRANSACTIONS
    return 1000 * share / (sum(latencies) / len(latencies))


async def run(seconds: float = 5.0) -> BenchResult:
    chance = random.Random(1)
    addresses = [chance.randbytes(20) for _ in range(ADDRESSES)]
    watched, ours, theirs = watch(addresses)
    raw, ref = made_block(addresses[:HITS], chance)

    def scan() -> None:
        block = bitcoin.parse_block(raw, ref)
        assert len(bitcoin.incoming(block, watched)) == HITS
        assert len(bitcoin.spent_outpoints(block)) == _INPUTS * (TRANSACTIONS - 1)

    latencies = await asyncio.to_thread(timed, scan, seconds)
    rival = await asyncio.to_thread(library_blocks_per_second, raw, seconds / 2)
    return BenchResult(
        "scan",
        1000 * len(latencies) / sum(latencies),
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        "none: reading and matching only, no node and no database",
        "not applicable",
        {"bitcoinlib (parsing only)": rival},
        [
            (
                f"blocks of {TRANSACTIONS} transactions, {len(raw) / 1e6:.2f} MB, on one core; "
                "hash, Merkle root and every txid verified"
            ),
            f"{ADDRESSES} watched addresses take {ours:.1f} MiB; a set of texts {theirs:.0f} MiB",
        ],
    )


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
