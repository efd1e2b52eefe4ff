"""`rialto withdrawals`: find what is stuck, look at one, push it on."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.deed import AsJson, TurnedDown, Unknown, Yes, confirm, note, run
from cli.demo.customer import NotInTime
from cli.demo.staff import NoAnswer, Refused, Staff
from cli.running import Running
from cli.terminal import console
from compliance.staff import Role
from devstack.seed_staff import STAFF
from domain.errors import WrongState
from domain.withdrawal import FINISHED
from storage import payments, withdrawals
from storage.engine import create_engine
from storage.stuck import Stuck, find_stuck

app = typer.Typer(name="withdrawals", no_args_is_help=True, help=__doc__)

WithdrawalId = Annotated[str, typer.Argument(help="The withdrawal's id.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def stuck(
    minutes: Annotated[int, typer.Option(min=0, help="Unchanged for so long.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Withdrawals that have not moved for a while, and why. Exit 1 if there are any."""
    run(_stuck(minutes, as_json=as_json), as_json=as_json)


@app.command()
def show(withdrawal_id: WithdrawalId, as_json: AsJson = False) -> None:
    """One withdrawal: its row, what happened, its payment and every attempt."""
    run(_show(withdrawal_id, as_json=as_json), as_json=as_json)


@app.command()
def retry(withdrawal_id: WithdrawalId, as_json: AsJson = False) -> None:
    """Tell its workflow to look again; a lost workflow is started anew. Always safe."""
    run(_retry(withdrawal_id, as_json=as_json), as_json=as_json)


@app.command()
def bump(
    withdrawal_id: WithdrawalId,
    reason: Annotated[str, typer.Option(help="Written down with the deed.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Pay a higher network fee: the same inputs or nonce, the same payees.

    Acts through the staff portal, as the local stack's operations login.
    """
    confirm(f"{withdrawal_id} pays a higher network fee", yes=yes)
    run(_bump(withdrawal_id, reason, as_json=as_json), as_json=as_json)


async def _stuck(minutes: int, *, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    async with engine.connect() as connection:
        found = await find_stuck(connection, minutes=minutes)
    await engine.dispose()
    if as_json:
        print(json.dumps([each.as_json() for each in found]))
        return 1 if found else 0
    table = Table("withdrawal", "asset", "amount", "status", "for", "why", "txid", box=None)
    for each in found:
        table.add_row(*_cells(each))
    console.print(table if found else "nothing is stuck")
    return 1 if found else 0


def _cells(each: Stuck) -> tuple[str, ...]:
    age = f"{each.age_minutes} min"
    return (each.id, each.asset, each.amount, each.status, age, each.why, each.txid)


async def _show(withdrawal_id: str, *, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    async with engine.connect() as connection:
        row = await withdrawals.find(connection, withdrawal_id)
        history = await withdrawals.timeline(connection, withdrawal_id)
        attempts = await payments.attempts(connection, row.payment_id) if row.payment_id else []
    await engine.dispose()
    fields = row._asdict()
    made = [
        {key: value for key, value in attempt._asdict().items() if key != "raw"}
        for attempt in attempts
    ]
    if as_json:
        shown = {"withdrawal": fields, "history": history, "attempts": made}
        print(json.dumps(shown, default=str))
        return 0
    for key, value in fields.items():
        console.print(f"{key:22} {value}")
    for event in history:
        console.print(f"{event['at']:%Y-%m-%d %H:%M:%S}  {event['event']:12} {event['details']}")
    for each in made:
        console.print(
            f"attempt {each['attempt']}: {each['status']}, fee rate {each['fee_rate']}, "
            f"{each['broadcasts']} broadcasts, {each['txid']} {each['node_answer']}"
        )
    return 0


async def _retry(withdrawal_id: str, *, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    await note(engine, "withdrawal.retry", withdrawal_id)
    async with engine.begin() as connection:
        row = await withdrawals.find(connection, withdrawal_id)
        if row.status in FINISHED:
            raise WrongState(f"{withdrawal_id} is {row.status}: there is nothing left to do")
        await withdrawals.note(connection, withdrawal_id, has_news=True)
    await engine.dispose()
    _say(withdrawal_id, "its workflow looks at it within a second", as_json=as_json)
    return 0


def _say(withdrawal_id: str, what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"withdrawal": withdrawal_id, "done": what}))
    else:
        console.print(what)


async def _bump(withdrawal_id: str, reason: str, *, as_json: bool) -> int:
    running = Running.load(os.environ)
    engine = create_engine(running.database_url, application="rialto-cli")
    await note(engine, "withdrawal.bump", withdrawal_id, reason=reason)
    await _require_on_its_way(engine, withdrawal_id)
    who = next(each for each in STAFF if each.role is Role.OPERATIONS)
    staff = Staff(running, who)
    try:
        await staff.update(f"withdrawal/{withdrawal_id}", "bump_fee", {"reason": reason})
    except Refused as refused:
        await _require_on_its_way(engine, withdrawal_id)  # It may have ended just now.
        raise TurnedDown(refused.reason, refused.kind) from None
    except (NoAnswer, NotInTime) as silence:
        message = f"{withdrawal_id} may pay a higher fee or not: `rialto withdrawals show` tells"
        raise Unknown(f"{message} ({silence})") from None
    finally:
        await staff.close()
        await engine.dispose()
    _say(withdrawal_id, "a transaction with a higher fee is on its way", as_json=as_json)
    return 0


async def _require_on_its_way(engine: AsyncEngine, withdrawal_id: str) -> None:
    """Raises WrongState unless a payment of the withdrawal is under way."""
    async with engine.connect() as connection:
        row = await withdrawals.find(connection, withdrawal_id)
    if row.status in FINISHED:
        raise WrongState(f"{withdrawal_id} is {row.status}: no fee can be raised any more")
    if row.payment_id is None:
        raise WrongState(f"{withdrawal_id} is {row.status}: no transaction is on its way yet")
