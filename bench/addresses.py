"""Deposit addresses: how fast they are derived, and how fast they are given out durably."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable

import uvloop
from embit import bip32, script
from embit.networks import NETWORKS as EMBIT_NETWORKS
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from api.wallet_service.desk import derivation
from bench.report import BenchResult, percentile
from bench.scratch import scratch_database
from chains.bitcoin import addresses as bitcoin
from chains.bitcoin.library import HDKey
from chains.bitcoin.network import network
from chains.ethereum import addresses as ethereum
from chains.keys import ExtendedPrivateKey
from domain.ids import CustomerId
from storage import custody_keys
from storage.addresses import current_or_new, issue
from storage.engine import create_engine

DURABILITY = "each address committed to Postgres (fsync) before it is shown"
_REGTEST = network("regtest")
_CALLERS = 16
_BULK = 500
_WARM_UP = 50


def rate(make: Callable[[int], object], seconds: float) -> float:
    """Calls a second on one core, by processor time: the machine may be busy with other work."""
    for index in range(_WARM_UP):
        make(index)
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        make(count)
        count += 1
    return count / (time.process_time() - began)


def derivation_rates(seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Ours by chain, and what other libraries do for Bitcoin."""
    root = ExtendedPrivateKey.from_seed(os.urandom(64))
    bitcoin_xpub = root.derive(_REGTEST.account_path).xpub(_REGTEST.xpub_version)
    ethereum_xpub = root.derive(ethereum.ACCOUNT_PATH).xpub(ethereum.XPUB_VERSION)
    embit_parent = bip32.HDKey.from_base58(bitcoin_xpub).derive([0])
    bitcoinlib_parent = HDKey(
        bitcoin_xpub, witness_type="segwit", network=_REGTEST.name
    ).child_public(0)
    regtest = EMBIT_NETWORKS["regtest"]
    ours = {
        "bitcoin": rate(lambda n: bitcoin.deposit_address(bitcoin_xpub, n, _REGTEST), seconds),
        "ethereum": rate(lambda n: ethereum.deposit_address(ethereum_xpub, n), seconds),
    }
    rivals = {
        "embit": rate(lambda n: script.p2wpkh(embit_parent.derive([n])).address(regtest), seconds),
        "bitcoinlib": rate(lambda n: bitcoinlib_parent.child_public(n).address(), seconds),
    }
    return ours, rivals


async def plant(url: URL) -> None:
    """An xpub whose seed nobody keeps: these addresses are never paid."""
    root = ExtendedPrivateKey.from_seed(os.urandom(64))
    xpub = root.derive(_REGTEST.account_path).xpub(_REGTEST.xpub_version)
    owner = create_engine(url.set(username="rialto_owner").render_as_string(hide_password=False))
    async with owner.begin() as connection:
        await custody_keys.store_seed(connection, "bench", "none", b"none")
        await custody_keys.store_xpub(connection, "bitcoin", xpub, _REGTEST.account_path, "bench")
    await owner.dispose()


async def one_by_one(engine: AsyncEngine, seconds: float) -> list[float]:
    """Milliseconds of each request, of customers who ask for their first address."""
    derive = derivation("bitcoin", _REGTEST)
    latencies: list[float] = []
    deadline = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        customer = number * 10**6
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            async with engine.begin() as connection:
                await current_or_new(connection, "bitcoin", CustomerId(customer), derive)
            latencies.append((time.perf_counter() - began) * 1000)
            customer += 1

    await asyncio.gather(*(caller(number) for number in range(1, _CALLERS + 1)))
    return sorted(latencies)


async def in_bulk(engine: AsyncEngine, seconds: float) -> float:
    """Addresses a second when many are made in one database transaction."""
    derive = derivation("bitcoin", _REGTEST)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        customers = [CustomerId(10**9 + count + offset) for offset in range(_BULK)]
        async with engine.begin() as connection:
            await issue(connection, "bitcoin", customers, derive)
        count += _BULK
    return count / (time.perf_counter() - began)


async def run(seconds: float = 3.0) -> BenchResult:
    ours, rivals = derivation_rates(seconds / 3)
    async with scratch_database() as scratch:
        await plant(scratch.url)
        latencies = await one_by_one(scratch.engine, seconds)
        bulk = await in_bulk(scratch.engine, seconds)
        conservation = await scratch.conservation()
    return BenchResult(
        "addresses",
        ours["bitcoin"],
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        DURABILITY,
        conservation,
        rivals,
        [
            "throughput and rivals: Bitcoin addresses derived a second on one core",
            f"Ethereum addresses derived: {ours['ethereum']:.0f}/s on one core",
            (
                f"issued durably: {len(latencies) / seconds:.0f}/s for {_CALLERS} customers at "
                f"once, {bulk:.0f}/s in batches of {_BULK}; latencies are of the former"
            ),
        ],
    )


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
