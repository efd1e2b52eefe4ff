"""Staff decide in the Temporal UI, through the portal; what they read is nowhere in clear."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser
from rialto_client import RialtoError

from cli.demo.customer import Customer, eventually
from cli.demo.outside import OutsideBitcoin
from cli.running import Running
from devstack.rented import RentedStack
from devstack.seed_staff import BY_LOGIN
from tests.end_to_end.staff_browser import StaffPage, staff_page

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

FAMILY_NAME = "Quistgaard-Oyelaran"
"""Nobody else's here: where it is found, it is hers."""
SATOSHI = 10_000_000
WITHDRAWN, WITHDRAWN_SATOSHI = "0.05", 5_000_000
"""Both are worth more than the travel rule's threshold."""


@pytest.fixture(scope="module")
async def nora(running: Running) -> AsyncIterator[Customer]:
    """A customer whose case waits for an officer."""
    async with httpx.AsyncClient(base_url=running.api_url, timeout=30) as api:
        customer = Customer(api, "nora")
        await customer.join()
        await customer.hand_in_papers(FAMILY_NAME)
        await _in_state(customer, "manual_review")
        yield customer


async def _approve(officer: StaffPage) -> None:
    """A signature is good for two minutes: where the machine was busy for longer, once more."""
    for _ in range(3):
        answer = await officer.send_update("approve", {"reason": "passport and profile agree"})
        if "expired" not in answer:
            break
    assert "failure" not in answer, answer


async def _in_state(customer: Customer, state: str) -> None:
    async def reached() -> bool | None:
        return True if await customer.kyc_state() == state else None

    await eventually(f"{customer.name}'s case is {state}", reached, 120)


async def test_a_viewer_sees_the_case_but_nobodys_name(
    running: Running, browser: Browser, nora: Customer
):
    async with staff_page(browser, running.staff_url, BY_LOGIN["vera"]) as vera:
        await vera.open_view("Needs a human")
        await vera.open_case(f"kyc/{nora.id}")
        await vera.reads("Codec Server could not connect")  # It refuses her, and the UI says so.
        await vera.reads("No Current Details")

        assert FAMILY_NAME not in await vera.whole_text()


async def test_an_officer_approves_in_the_temporal_ui_and_the_customer_can_withdraw(
    running: Running, browser: Browser, nora: Customer, bitcoin: OutsideBitcoin
):
    await bitcoin.prepare(10 * SATOSHI)
    await _counterparty(running, "PUT", "silence", {"silent": True})
    payment = await bitcoin.pay(await nora.deposit_address("BTC"), SATOSHI)
    await _deposit_is(nora, payment.txid, "held")  # In quarantine: nobody said who sent it.
    await _counterparty(running, "PUT", "silence", {"silent": False})
    await _deposit_is(nora, payment.txid, "withdrawable")
    payee = await bitcoin.new_address()
    with pytest.raises(RialtoError, match="tier_too_low"):
        await nora.withdraw("BTC", WITHDRAWN, payee)

    async with staff_page(browser, running.staff_url, BY_LOGIN["amir"]) as amir:
        await amir.open_view("Waiting for me")
        await amir.picture("cases-waiting")
        await amir.open_case(f"kyc/{nora.id}")
        await amir.reads(FAMILY_NAME)  # Through the codec server: Temporal has it sealed.
        await amir.picture("case")
        refusal = await amir.send_update("approve", {"reason": "ok"})
        assert "at least 10 characters" in refusal
        assert await nora.kyc_state() == "manual_review"

        await _approve(amir)
        await _in_state(nora, "approved")

    withdrawal_id = await nora.withdraw("BTC", WITHDRAWN, payee)
    await _done(nora, withdrawal_id)
    assert await bitcoin.received(payee) == WITHDRAWN_SATOSHI
    told = await _counterparty(running, "GET", f"messages/withdrawal/{withdrawal_id}")
    assert FAMILY_NAME in str(told["originator"])
    assert told["beneficiary"] == {"accountNumber": [payee]}
    own = await nora.export()
    assert own["profile"]["family_name"] == FAMILY_NAME
    assert own["verification"]["state"] == "approved"
    assert own["told_to_other_exchanges"][0]["payload"] == told


async def test_figures_are_shown_to_staff_and_to_nobody_else(running: Running, browser: Browser):
    async with httpx.AsyncClient(base_url=running.staff_url) as nobody:
        assert (await nobody.get("/staff/figures")).status_code == 401
        page = await nobody.get("/staff/overview", headers={"Accept": "text/html"})
        assert page.headers["Location"].startswith("/staff/login")
    async with staff_page(browser, running.staff_url, BY_LOGIN["erin"]) as erin:
        text = await erin.overview()
        figures = await erin.figures()
    shown = {each["asset"]: each for each in figures["figures"]["treasury"]}
    assert {"BTC", "ETH", "USDT"} <= shown.keys()
    assert all(each["covered"] for each in shown.values()), shown
    assert shown["BTC"]["hot"] in text
    working = {(each["name"], each["kind"]) for each in figures["queues"] if each["pollers"]}
    assert {("workflows", "workflow"), ("ledger", "activity"), ("signer", "activity")} <= working
    assert {each["chain"] for each in figures["figures"]["listeners"]} == {"bitcoin", "ethereum"}
    assert figures["workflows"]["under way"] > 0
    for title in ("Treasury", "Reconciliation", "Task queues", "Waiting", "Chains"):
        assert title in text


async def test_a_customer_whose_name_comes_onto_a_list_is_looked_at_again(
    running: Running, nora: Customer, tmp_path: Path
):
    new_list = tmp_path / "pep.csv"
    new_list.write_text(f"id,schema,name\npep-77,Person,Nora {FAMILY_NAME}\n")
    assert await nora.kyc_state() == "approved"

    loaded = await _rialto(running, "screening", "load", "pep", str(new_list))

    assert "every customer is screened anew" in loaded
    await _in_state(nora, "manual_review")


async def _rialto(running: Running, *words: str) -> str:
    command = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "rialto",
        *words,
        env={**os.environ, **running.variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await command.communicate()
    assert command.returncode == 0, said.decode()
    return said.decode()


async def test_no_personal_data_stands_in_temporals_database(exchange: RentedStack, nora: Customer):
    files = sorted(exchange.site.directory("temporal").glob("temporal.db*"))
    raw = b"".join(file.read_bytes() for file in files)

    assert f"kyc/{nora.id}".encode() in raw, "this is not where the case is kept"
    for word in (FAMILY_NAME, "Nora", "Storgatan", "11122", "1990-01-31", nora.email):
        assert word.encode() not in raw, word


async def _deposit_is(customer: Customer, txid: str, status: str) -> None:
    async def reached() -> bool | None:
        deposit = await customer.deposit(txid)
        return True if deposit is not None and deposit["status"] == status else None

    await eventually(f"the deposit is {status}", reached, 120)


async def _counterparty(
    running: Running, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The simulated exchange at the other end of transfers."""
    async with httpx.AsyncClient(base_url=running.variables["RIALTO_KYC_VENDOR_URL"]) as http:
        answer = await http.request(method, f"/travel-rule/{path}", json=body)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


async def _done(customer: Customer, withdrawal_id: str) -> None:
    async def paid() -> bool | None:
        found = await customer.withdrawal(withdrawal_id)
        return True if found["status"] == "done" else None

    await eventually("the withdrawal is paid", paid, 120)
