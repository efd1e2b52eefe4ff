"""No key leaves the signer: not into logs, histories, tables, nor any other process's memory.

Deposit keys are the ones that could: hot keys never leave KMS at all. The test opens the sealed
seed itself, as only the signer's role may, so it knows exactly what to look for.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from embit import base58
from sqlalchemy import text
from temporalio.client import Client

from activities.custody_setup import SEED_ID, SEED_KEY
from chains.bitcoin.network import network
from chains.keys import ExtendedPrivateKey, open_seed
from cli.demo.customer import eventually
from cli.demo.outside import OutsideBitcoin
from cli.reconcile import temporal_of
from cli.running import Running
from devstack.rented import Database, RentedStack
from devstack.rialto import ROWS
from storage.engine import create_engine
from streams.aws import client_of
from streams.histories import open_payloads
from tests.end_to_end.under_way import result_within
from tests.histories.recording import record_when_asked
from workflows.sweep import SweepInput, SweepWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

REGTEST = network("regtest")
COIN = 10**8
_ADDRESSES = 50


@pytest.fixture(scope="module")
async def temporal(running: Running) -> AsyncIterator[Client]:
    client = await temporal_of(running)
    yield client
    await record_when_asked(client)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        yield patched


class KeyMaterial:
    """The seed and the private keys under it, in every form that somebody might write down."""

    def __init__(self, seed: bytes, root: ExtendedPrivateKey) -> None:
        keys = [root, root.derive(REGTEST.account_path)]
        keys += [root.derive(f"{REGTEST.account_path}/0/{index}") for index in range(_ADDRESSES)]
        self.raw = [seed, *(each._private.secret for each in keys)]

    @property
    def forms(self) -> set[bytes]:
        found: set[bytes] = set()
        for secret in self.raw:
            found |= {secret, secret.hex().encode(), secret.hex().upper().encode()}
            found |= {base64.b64encode(secret).rstrip(b"="), str(int.from_bytes(secret)).encode()}
            if len(secret) == 32:
                found.add(base58.encode_check(b"\xef" + secret + b"\x01").encode())  # WIF.
        return found

    def inside(self, content: bytes) -> list[int]:
        """Numbers of the forms found: never the material itself, which pytest would print."""
        return [number for number, form in enumerate(sorted(self.forms)) if form in content]


@pytest.fixture(scope="module")
async def material(
    exchange: RentedStack, temporal: Client, monkeypatch_module: pytest.MonkeyPatch
) -> KeyMaterial:
    """What the signer works with, opened as it does."""
    seen: list[bytes] = []
    make = ExtendedPrivateKey.from_seed

    def from_seed(seed: bytes) -> ExtendedPrivateKey:
        seen.append(seed)
        return make(seed)

    monkeypatch_module.setattr(ExtendedPrivateKey, "from_seed", staticmethod(from_seed))
    engine = create_engine(Database(exchange.site, "rialto").signer)
    async with engine.connect() as connection:
        sealed = await connection.scalar(
            text("SELECT ciphertext FROM sealed_seeds WHERE id = :id"), {"id": SEED_ID}
        )
    await engine.dispose()
    root = await open_seed(client_of(exchange.env, "kms"), SEED_KEY, SEED_ID, bytes(sealed))
    return KeyMaterial(seen[0], root)


@pytest.fixture(scope="module")
async def swept(exchange: RentedStack, running: Running, temporal: Client) -> str:
    """A deposit was swept: the signer opened the seed and signed with a key under it."""
    async with (
        httpx.AsyncClient(base_url=running.api_url, timeout=30) as api,
        httpx.AsyncClient(timeout=30) as node,
    ):
        outside = OutsideBitcoin(node, running.bitcoin_rpc_url)
        credentials = {"email": f"{secrets.token_hex(6)}@example.com", "password": "a long one, 1"}
        await api.post("/v1/registrations", json=credentials)
        token = (await api.post("/v1/sessions", json=credentials)).json()["token"]
        api.headers["authorization"] = f"Bearer {token}"
        address = (await api.post("/v1/deposit-addresses/BTC")).json()["address"]
        await outside.prepare(2 * COIN)
        await outside.pay(address, COIN // 2)

        async def final() -> bool | None:
            found = (await api.get("/v1/deposits")).json()["data"]
            return True if found and found[0]["status"] == "withdrawable" else None

        await eventually("the deposit is final", final, 240)
    sweeping = await temporal.start_workflow(
        SweepWorkflow.run,
        SweepInput(chain="bitcoin", asset="BTC"),
        id=f"sweep/bitcoin/BTC/{secrets.token_hex(4)}",
        task_queue="workflows",
    )
    summary = await result_within(temporal, sweeping, 240)
    assert "payment" in summary
    return str(summary)


async def test_no_log_holds_key_material(
    exchange: RentedStack, material: KeyMaterial, swept: str
) -> None:
    logs = sorted((exchange.site.home / "log").glob("*"))

    found = {log.name: material.inside(log.read_bytes()) for log in logs}

    assert {name: numbers for name, numbers in found.items() if numbers} == {}
    assert "payment signed" in (exchange.site.home / "log" / "signer_worker.log").read_text()


async def test_no_history_holds_key_material(
    exchange: RentedStack, temporal: Client, material: KeyMaterial, swept: str
) -> None:
    """Opened, as the signer's queue would give them to whoever listens there."""
    codec = temporal.data_converter.payload_codec
    types: set[str] = set()
    async for execution in temporal.list_workflows():
        handle = temporal.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        sealed = b"".join(event.SerializeToString() for event in history.events)
        await open_payloads(history, codec)
        opened = b"".join(event.SerializeToString() for event in history.events)
        assert material.inside(sealed) == material.inside(opened) == [], execution.id
        types.add(execution.workflow_type)
    assert {"SweepWorkflow", "PaymentWorkflow", "DepositWorkflow"} <= types


async def test_no_file_of_temporals_database_holds_key_material(
    exchange: RentedStack, material: KeyMaterial, swept: str
) -> None:
    """As it lies on the disk: closed and open workflows, visibility, what nobody lists any more."""
    files = [path for path in exchange.site.directory("temporal").rglob("*") if path.is_file()]

    found = {path.name: material.inside(path.read_bytes()) for path in files}

    assert {name: numbers for name, numbers in found.items() if numbers} == {}
    assert "temporal.db" in found
    assert sum(path.stat().st_size for path in files) > 100_000


async def test_no_table_holds_key_material(
    exchange: RentedStack, material: KeyMaterial, swept: str
) -> None:
    engine = create_engine(Database(exchange.site, "rialto").owner)
    async with engine.connect() as connection:
        tables = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        for table in tables.all():
            rows = await connection.scalars(text(f'SELECT t::text FROM "{table}" t'))
            content = "\n".join(rows.all()).encode()
            assert material.inside(content) == [], table
    await engine.dispose()


async def test_only_the_signer_has_key_material_in_its_memory(
    exchange: RentedStack, material: KeyMaterial, swept: str
) -> None:
    names = [row.name for row in ROWS if exchange.pid(row.name) is not None]
    try:
        holders = {
            name
            for name in names
            if await asyncio.to_thread(is_in_memory, exchange.pid(name), material.raw[1:3])
        }
    except PermissionError:
        pytest.skip("this user may not read the memory of processes")

    assert holders == {"signer_worker"}  # So what we look for would have been found elsewhere, too.


def is_in_memory(pid: int | None, secrets: list[bytes]) -> bool:
    """Whether any of the raw secrets stands in the process's writable memory."""
    assert pid is not None
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="ascii", errors="replace").splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, access, *_ = line.split()
            if not access.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            try:
                content = os.pread(memory.fileno(), end - start, start)
            except (OSError, OverflowError):
                continue  # Unmapped meanwhile, or a page of the kernel's own.
            if any(secret in content for secret in secrets):
                return True
    return False
