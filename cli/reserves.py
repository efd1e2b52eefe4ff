"""`rialto reserves`: prove that what customers are owed is there, and check such a proof."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
from rialto_client import verify_reserves
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.reserves import ReserveActivities
from api.v1.reserves import LeafAnswer, bundle_answer, leaf_answer
from cli.deed import AsJson, note
from cli.reconcile import temporal_of
from cli.running import Running
from cli.terminal import console
from domain.challenge import SignatureFormat
from domain.errors import ExchangeError
from domain.money import format_units
from storage import reserves
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.reserves import MadeProof
from workflows.reserves import ReservesInput, ReservesWorkflow
from workflows.start import WORKFLOWS_QUEUE

app = typer.Typer(name="reserves", no_args_is_help=True, help=__doc__)

BundleName = Annotated[str | None, typer.Option("--bundle", help="Default: the newest.")]
_FORMATS = {"bitcoin": SignatureFormat.BIP322, "ethereum": SignatureFormat.EIP191}
_ADDRESSES_MAX = 100_000


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def prove(as_json: AsJson = False) -> None:
    """Count, take liabilities, sign, publish: now, not only once a day. Exit 1 if not covered."""
    _run(_prove(as_json=as_json))


@app.command()
def verify(bundle: BundleName = None, as_json: AsJson = False) -> None:
    """Verify a bundle as an auditor does: signatures, sums, and the whole tree. Exit 1 if wrong."""
    _run(_verify(bundle, as_json=as_json))


@app.command()
def show(bundle: BundleName = None) -> None:
    """The bundle as it is published, as JSON: what `verify_reserves.py` reads."""
    _run(_show(bundle))


@app.command()
def leaf(
    customer: Annotated[int, typer.Argument(help="The customer's number.")],
    bundle: BundleName = None,
) -> None:
    """A customer's leaf and path, as JSON. Whoever has it knows what the customer owns."""
    _run(_leaf(customer, bundle))


@app.command()
def leaves(bundle: BundleName = None) -> None:
    """All leaves, as JSON, for the auditor only: they tell what every customer owns."""
    _run(_leaves(bundle))


@app.command()
def challenges(
    bundle: Annotated[str, typer.Argument(help="The bundle's id.")], as_json: AsJson = False
) -> None:
    """Texts that keepers of offline wallets have to sign (BIP 322, EIP-191)."""
    _run(_challenges(bundle, as_json=as_json))


@app.command()
def attach(
    bundle: Annotated[str, typer.Argument(help="The bundle's id.")],
    chain: Annotated[str, typer.Argument(help="bitcoin or ethereum")],
    address: Annotated[str, typer.Argument(help="Whose key signed the challenge.")],
    signature: Annotated[str, typer.Argument(help="BIP 322 in base64; EIP-191 in hex.")],
) -> None:
    """Add an offline wallet's signature, if it is right, and publish what is covered then."""
    _run(_attach(bundle, chain, address, signature))


def _run(work: Coroutine[Any, Any, int]) -> None:
    try:
        status = asyncio.run(work)
    except (ExchangeError, verify_reserves.BadProof) as refusal:
        console.print(f"[red]{refusal}[/]")
        status = 1
    sys.stdout.flush()
    os._exit(status)  # The Temporal client's threads may crash a normal interpreter exit.


def _engine() -> AsyncEngine:
    return create_engine(Running.load(os.environ).database_url, application="rialto-cli")


async def _prove(*, as_json: bool) -> int:
    engine = _engine()
    await note(engine, "reserves.prove", "all")
    await engine.dispose()
    client = await temporal_of(Running.load(os.environ))
    with console.status("counting, taking liabilities, signing"):
        try:
            bundle = await client.execute_workflow(
                ReservesWorkflow.run,
                ReservesInput(tip_chains=["bitcoin"], other_chains=["ethereum"]),
                id="reserves/by-command",
                task_queue=WORKFLOWS_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowFailureError as failure:
            console.print(f"[red]nothing was published: {failure.cause}[/]")
            return 1
    return await _verify(bundle, as_json=as_json)


async def _verify(name: str | None, *, as_json: bool) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
        found = await reserves.read_leaves(connection, bundle.id)
        catalog = await read_catalog(connection)
    await engine.dispose()
    published = bundle_answer(bundle).model_dump(mode="json")
    covered = verify_reserves.verify_bundle(published)
    verify_reserves.verify_tree(
        [leaf_answer(bundle, each, []).model_dump(mode="json") for each in found], published
    )
    if as_json:
        sums = {asset: {"owed": str(o), "held": str(h)} for asset, (o, h) in covered.items()}
        told = {"bundle": bundle.id, "leaves": bundle.leaves, "root": bundle.root.hash}
        print(json.dumps({**told, "signatures": len(bundle.signatures), "assets": sums}))
        return 0
    table = Table("asset", "owed to customers", "held by keys that signed", box=None)
    for asset, both in covered.items():
        scale = catalog.asset(asset).scale
        table.add_row(asset, *(format_units(units, scale) for units in both))
    console.print(table)
    console.print(
        f"[green]holds[/]: bundle {bundle.id}, {bundle.leaves} customers, "
        f"{len(bundle.signatures)} addresses signed, root {bundle.root.hash}",
        soft_wrap=True,
    )
    return 0


async def _show(name: str | None) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
    await engine.dispose()
    print(bundle_answer(bundle).model_dump_json(indent=2))
    return 0


async def _leaf(customer: int, name: str | None) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
        found, steps = await reserves.read_leaf(connection, bundle, customer)
    await engine.dispose()
    print(leaf_answer(bundle, found, steps).model_dump_json(indent=2))
    return 0


async def _leaves(name: str | None) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
        found = await reserves.read_leaves(connection, bundle.id)
    await engine.dispose()
    answers: list[LeafAnswer] = [leaf_answer(bundle, each, []) for each in found]
    print(json.dumps([each.model_dump(mode="json") for each in answers]))
    return 0


async def _challenges(bundle: str, *, as_json: bool) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        found = await reserves.unsigned(connection, bundle, _ADDRESSES_MAX)
    await engine.dispose()
    if as_json:
        told = [{"chain": e.chain, "address": e.address, "text": e.text} for e in found]
        print(json.dumps(told))
        return 0
    for each in found:
        console.print(f"[bold]{each.chain} {each.address}[/]\n{each.text}\n", soft_wrap=True)
    return 0


async def _attach(bundle: str, chain: str, address: str, signature: str) -> int:
    engine = _engine()
    async with engine.begin() as connection:
        waiting = await reserves.unsigned(connection, bundle, _ADDRESSES_MAX)
        asked = next((e for e in waiting if (e.chain, e.address) == (chain, address)), None)
        if asked is None:
            console.print(f"[red]{bundle} does not wait for a signature of {address}[/]")
            return 1
        signs = {
            "bitcoin": verify_reserves.bip322_signs,
            "ethereum": verify_reserves.eip191_signs,
        }[chain]
        try:
            is_good = signs(asked.text, address, signature)
        except (ValueError, IndexError):
            is_good = False
        if not is_good:
            raise verify_reserves.BadProof(f"the signature of {address} is wrong")
        await note(engine, "reserves.attach", bundle, chain=chain, address=address)
        made = MadeProof(chain, address, _FORMATS[chain], signature, None)
        await reserves.write_signatures(connection, bundle, [made])
    outcome = await ReserveActivities(engine).publish_reserves(bundle)
    await engine.dispose()
    console.print("published" if outcome.is_published else "kept; what is owed is not covered yet")
    return 0
