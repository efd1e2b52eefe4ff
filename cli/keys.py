"""`rialto keys`: sets custody up, once, where the exchange's keys are.

Reads only its own environment, as processes do: the owner's `RIALTO_DATABASE_URL`,
`RIALTO_BITCOIN_NETWORK`, and a role that may use the KMS keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.custody_setup import SEED_ID, open_wallets, seal_deposit_seed
from chains.bitcoin.network import Network, NetworkName, network
from cli.deed import note
from cli.terminal import console
from domain.errors import ExchangeError
from storage.engine import create_engine
from streams.aws import client

app = typer.Typer(name="keys", no_args_is_help=True, help=__doc__)
Address = Annotated[str, typer.Option()]


class KeysSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    bitcoin_network: NetworkName
    """No default: the path of the accounts depends on it."""


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command("seal-seed")
def seal_seed() -> None:
    """Make the seed of deposit addresses, seal it under KMS, store the seal and its xpubs.

    Where there is one already it stays, and its fingerprints are shown again. Nothing else is ever
    printed: neither the seed nor an xpub.
    """

    async def seal(engine: AsyncEngine, bitcoin: Network) -> None:
        await note(engine, "keys.seal_seed", SEED_ID)
        sealed = await seal_deposit_seed(engine, client("kms"), bitcoin)
        print(f"seed      {sealed.seed_id}, {'made now' if sealed.is_new else 'there already'}")
        print(f"sealed    sha256 {sealed.ciphertext_sha256}")
        for chain, account in sealed.accounts.items():
            print(f"{chain:<9} {account}")

    _run(seal)


@app.command("open-wallets")
def open_house_wallets(
    *, warm_bitcoin: Address, cold_bitcoin: Address, warm_ethereum: Address, cold_ethereum: Address
) -> None:
    """Store the house's wallets: the hot ones of KMS, and the addresses of those kept offline."""
    offline = {
        "warm-bitcoin": warm_bitcoin,
        "cold-bitcoin": cold_bitcoin,
        "warm-ethereum": warm_ethereum,
        "cold-ethereum": cold_ethereum,
    }

    async def store(engine: AsyncEngine, bitcoin: Network) -> None:
        await note(engine, "keys.open_wallets", "all", **offline)
        for wallet in await open_wallets(engine, client("kms"), bitcoin, offline):
            print(f"{wallet.id:<14} {wallet.address}")

    _run(store)


def _run(work: Callable[[AsyncEngine, Network], Awaitable[None]]) -> None:
    try:
        asyncio.run(_with_database(KeysSettings(), work))
    except ValidationError as fault:
        for each in fault.errors():
            name = f"RIALTO_{str(each['loc'][0]).upper()}"
            console.print(f"[red]{name}: {each['msg']}[/]")
        raise typer.Exit(2) from None
    except ExchangeError as refusal:
        console.print(f"[red]{refusal}[/]")
        raise typer.Exit(1) from None


async def _with_database(
    settings: KeysSettings, work: Callable[[AsyncEngine, Network], Awaitable[None]]
) -> None:
    engine = create_engine(settings.database_url, application="rialto-cli")
    try:
        await work(engine, network(settings.bitcoin_network))
    finally:
        await engine.dispose()
