"""`rialto reserves`: prove that what customers are owed is there, and check such a proof."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Annotated

import typer
from rialto_client import verify_reserves
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowExecutionDescription
from temporalio.converter import DataConverter

from activities.reserves import ReserveActivities
from api.v1.reserves import LeafAnswer, bundle_answer, leaf_answer
from cli.deed import AsJson, note, run
from cli.progress import bars
from cli.reconcile import begin, temporal_of, watched
from cli.running import Running
from cli.terminal import console
from domain.challenge import Challenge, SignatureFormat
from domain.errors import InvalidInput, WrongState
from domain.money import format_units
from domain.progress import Watch
from storage import reserves
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.reserves import MadeProof
from workflows.reserves import ReservesInput, ReservesWorkflow

app = typer.Typer(name="reserves", no_args_is_help=True, help=__doc__)

BundleName = Annotated[str | None, typer.Option("--bundle", help="Default: the newest.")]
_STEPS = "steps"
_STEP = {
    "count_reserves": 0,
    "take_liabilities": 1,
    "sign_challenges": 2,
    "publish_reserves": 3,
}
"""By activity: how many steps are done when it runs. Chains are counted before and after."""
_FORMATS = {"bitcoin": SignatureFormat.BIP322, "ethereum": SignatureFormat.EIP191}
_ADDRESSES_MAX = 100_000


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def prove(as_json: AsJson = False) -> None:
    """Count, take liabilities, sign, publish: now, not only once a day. Exit 1 if not covered."""
    run(_prove(as_json=as_json), as_json=as_json, leave_threads=True)


@app.command()
def verify(bundle: BundleName = None, as_json: AsJson = False) -> None:
    """Verify a bundle as an auditor does: signatures, sums, and the whole tree. Exit 1 if wrong."""
    run(_verify(bundle, as_json=as_json), as_json=as_json, leave_threads=True)


@app.command()
def show(bundle: BundleName = None, as_json: AsJson = False) -> None:
    """The bundle as it is published, always as JSON: what `verify_reserves.py` reads."""
    run(_show(bundle, as_json=as_json), as_json=as_json, leave_threads=True)


@app.command()
def leaf(
    customer: Annotated[int, typer.Argument(help="The customer's number.")],
    bundle: BundleName = None,
    as_json: AsJson = False,
) -> None:
    """A customer's leaf and path, always as JSON. Whoever has it knows what the customer owns."""
    run(_leaf(customer, bundle, as_json=as_json), as_json=as_json, leave_threads=True)


@app.command()
def leaves(bundle: BundleName = None, as_json: AsJson = False) -> None:
    """All leaves, always as JSON, for the auditor only: they tell what every customer owns."""
    run(_leaves(bundle), as_json=as_json, leave_threads=True)


@app.command()
def challenges(
    bundle: Annotated[str, typer.Argument(help="The bundle's id.")], as_json: AsJson = False
) -> None:
    """Texts that keepers of offline wallets have to sign (BIP 322, EIP-191)."""
    run(_challenges(bundle, as_json=as_json), as_json=as_json, leave_threads=True)


@app.command()
def attach(
    bundle: Annotated[str, typer.Argument(help="The bundle's id.")],
    chain: Annotated[str, typer.Argument(help="bitcoin or ethereum")],
    address: Annotated[str, typer.Argument(help="Whose key signed the challenge.")],
    signature: Annotated[str, typer.Argument(help="BIP 322 in base64; EIP-191 in hex.")],
    as_json: AsJson = False,
) -> None:
    """Add an offline wallet's signature, if it is right, and publish what is covered then."""
    run(
        _attach(bundle, (chain, address), signature, as_json=as_json),
        as_json=as_json,
        leave_threads=True,
    )


class BadBundle(InvalidInput):
    """What is published, or was signed, does not hold."""

    code = "bad_proof"


def _engine() -> AsyncEngine:
    return create_engine(Running.load(os.environ).database_url, application="rialto-cli")


async def _prove(*, as_json: bool) -> int:
    engine = _engine()
    await note(engine, "reserves.prove", "all")
    await engine.dispose()
    client = await temporal_of(Running.load(os.environ))
    asked = ReservesInput(tip_chains=["bitcoin"], other_chains=["ethereum"])
    handle = await begin(client, ReservesWorkflow.run, asked, "reserves/by-command")
    with bars() as watch:
        bundle = await watched(handle, partial(_look, client.data_converter, watch))
        watch(_STEPS, len(_STEP), len(_STEP))
    return await _verify(bundle, as_json=as_json)


async def _look(converter: DataConverter, watch: Watch, told: WorkflowExecutionDescription) -> None:
    """How far the workflow is, by the step it does now; the signer counts its signatures."""
    for each in told.raw_description.pending_activities:
        watch(_STEPS, _STEP.get(each.activity_type.name, 0), len(_STEP))
        if each.heartbeat_details.payloads:
            [done] = await converter.decode(each.heartbeat_details.payloads, [int])
            watch("addresses signed for", done + 1)


async def _verify(name: str | None, *, as_json: bool) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
        found = await reserves.read_leaves(connection, bundle.id)
        catalog = await read_catalog(connection)
    await engine.dispose()
    published = bundle_answer(bundle).model_dump(mode="json")
    try:
        covered = verify_reserves.verify_bundle(published)
        verify_reserves.verify_tree(
            [leaf_answer(bundle, each, []).model_dump(mode="json") for each in found], published
        )
    except verify_reserves.BadProof as wrong:
        raise BadBundle(f"bundle {bundle.id}: {wrong}") from None
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


async def _show(name: str | None, *, as_json: bool) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
    await engine.dispose()
    print(bundle_answer(bundle).model_dump_json(indent=None if as_json else 2))
    return 0


async def _leaf(customer: int, name: str | None, *, as_json: bool) -> int:
    engine = _engine()
    async with engine.connect() as connection:
        bundle = await reserves.read_bundle(connection, name)
        found, steps = await reserves.read_leaf(connection, bundle, customer)
    await engine.dispose()
    print(leaf_answer(bundle, found, steps).model_dump_json(indent=None if as_json else 2))
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


async def _attach(bundle: str, place: tuple[str, str], signature: str, *, as_json: bool) -> int:
    engine = _engine()
    chain, address = place
    async with engine.begin() as connection:
        waiting = await reserves.unsigned(connection, bundle, _ADDRESSES_MAX)
        asked = next((e for e in waiting if (e.chain, e.address) == place), None)
        if asked is None:
            raise WrongState(f"{bundle} does not wait for a signature of {address}")
        if not _signs(asked, signature):
            raise BadBundle(f"the signature of {address} is wrong")
        await note(engine, "reserves.attach", bundle, chain=chain, address=address)
        made = MadeProof(chain, address, _FORMATS[chain], signature, None)
        await reserves.write_signatures(connection, bundle, [made])
    outcome = await ReserveActivities(engine).publish_reserves(bundle)
    await engine.dispose()
    if as_json:
        print(json.dumps({"bundle": bundle, "published": outcome.is_published}))
        return 0
    console.print("published" if outcome.is_published else "kept; what is owed is not covered yet")
    return 0


def _signs(asked: Challenge, signature: str) -> bool:
    signs = {
        "bitcoin": verify_reserves.bip322_signs,
        "ethereum": verify_reserves.eip191_signs,
    }[asked.chain]
    try:
        return signs(asked.text, asked.address, signature)
    except (ValueError, IndexError):
        return False
