"""Every task of the runbooks for officers, done in the Temporal UI as they describe it.

Slow, so in `make test-all` only. With RIALTO_SCREENSHOTS=FOLDER it takes the runbooks' pictures.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from cli.demo.customer import Customer, eventually
from cli.demo.outside import OutsideEthereum
from cli.demo.staff import Staff
from cli.running import Running
from devstack.seed_staff import BY_LOGIN
from tests.end_to_end.staff_browser import StaffPage, staff_page

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (os.environ.get("RIALTO_TEST_ALL") or os.environ.get("RIALTO_SCREENSHOTS")),
        reason="some minutes in a browser: make test-all",
    ),
]

JUST_BELOW = 7_000_000_000
"""Units of USDT: three such deposits a day look like structuring."""


async def _applicant(api: httpx.AsyncClient, name: str) -> Customer:
    customer = Customer(api, name)
    await customer.join()
    await customer.hand_in_papers("Lindqvist")
    await _kyc_is(customer, "manual_review")
    return customer


async def _kyc_is(customer: Customer, state: str) -> None:
    async def reached() -> bool | None:
        return True if await customer.kyc_state() == state else None

    await eventually(f"{customer.name}'s case is {state}", reached, 120)


async def _does(
    officer: StaffPage, name: str, argument: dict[str, Any], *, shown_as: str | None = None
) -> None:
    """A signature is good for two minutes: where the machine was busy for longer, once more."""
    for _ in range(3):
        answer = await officer.send_update(name, argument, shown_as=shown_as)
        if "expired" not in answer:
            break
    assert "failure" not in answer, answer


async def test_what_an_officer_does_with_kyc_cases(
    running: Running, browser: Browser, api: httpx.AsyncClient
):
    names = ("astrid", "rasmus", "frida", "falk")
    asked, refused, frozen, forger = [await _applicant(api, name) for name in names]
    async with staff_page(browser, running.staff_url, BY_LOGIN["amir"]) as amir:
        await amir.open_workflow(f"kyc/{asked.id}")
        await _does(amir, "add_note", {"reason": "called the customer, will send a new picture"})
        await _does(amir, "escalate", {"reason": "document of a kind I do not know"})
        question = {
            "question": "Please send the page with the address.",
            "reason": "cut off there",
        }
        await _does(amir, "request_info", question)
        await _kyc_is(asked, "needs_info")
        await amir.open_workflow(f"kyc/{refused.id}")
        reason = {"reason": "the picture cannot be read", "reason_code": "document_unreadable"}
        await _does(amir, "reject", reason)
        await _kyc_is(refused, "rejected_retryable")
        await amir.open_workflow(f"kyc/{forger.id}")
        reason = {"reason": "the picture is of another", "reason_code": "document_forged"}
        await _does(amir, "reject", {**reason, "final": True}, shown_as="reject-final")
        await _kyc_is(forger, "rejected")
        await amir.open_workflow(f"kyc/{frozen.id}")
        await _does(amir, "freeze", {"reason": "same person as ofac-sdn 12345"})
        await _kyc_is(frozen, "frozen")
        await amir.open_view("Frozen")
        await amir.is_listed(f"kyc/{frozen.id}")
        await amir.picture("frozen")
    async with staff_page(browser, running.staff_url, BY_LOGIN["sofia"]) as sofia:
        await sofia.open_workflow(f"kyc/{frozen.id}")
        await _does(sofia, "unfreeze", {"reason": "another birth date: not the same person"})
        await _kyc_is(frozen, "manual_review")


async def test_what_an_officer_does_with_held_deposits_and_monitoring_cases(
    running: Running, browser: Browser, api: httpx.AsyncClient, ethereum: OutsideEthereum
):
    mover, staff = await _applicant(api, "morten"), Staff(running)
    await staff.approve_kyc(mover.id, "papers seen, name and photo match")
    await _kyc_is(mover, "approved")
    await _silence(running, silent=True)  # So nobody says who sent the coins.
    try:
        await ethereum.prepare(3 * JUST_BELOW)
        address = await mover.deposit_address("USDT")
        payments = [await ethereum.pay_token(address, JUST_BELOW) for _ in range(3)]
        deposits = [await _held(mover, each.txid) for each in payments]
        suspended = deposits[1]
        async with staff_page(browser, running.staff_url, BY_LOGIN["amir"]) as amir:
            for number, (name, argument) in enumerate(_DEPOSIT_DECISIONS):
                await amir.open_workflow(f"deposit/{deposits[number]}")
                await amir.reads("held")
                if number == 0:
                    await amir.picture("deposit-held")
                await _does(amir, name, argument)
            await _look_into_case(amir, mover)
        async with staff_page(browser, running.staff_url, BY_LOGIN["sofia"]) as sofia:
            await sofia.open_workflow(f"case/{mover.id}")  # Escalated: a senior ends it.
            reported = {"outcome": "reported", "reason": "report number 2026-117"}
            await _does(sofia, "close", reported)
            await sofia.open_workflow(f"deposit/{suspended}")
            sent = {"txid": payments[0].txid, "reason": "sent back to where it came from"}
            await _does(sofia, "mark_returned", sent)
            await _deposit_is(mover, payments[1].txid, "returned")
    finally:
        await _silence(running, silent=False)
        await staff.close()


_DEPOSIT_DECISIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("clear", {"reason": "the sender's bank letter was seen"}),
    ("suspend", {"reason": "asked the police what to do"}),
)


async def _look_into_case(officer: StaffPage, customer: Customer) -> None:
    """Monitoring looks once a minute."""
    case = f"case/{customer.id}"
    await officer.open_view("Cases")
    await officer.is_listed(case)
    await officer.picture("monitoring-cases")
    await officer.open_workflow(case)
    await officer.reads("structuring")
    await officer.picture("monitoring-case")
    note = {"reason": "asked for the contract of the sale"}
    await _does(officer, "add_note", note, shown_as="case-add_note")
    higher = {"reason": "three payments just below the limit"}
    await _does(officer, "escalate", higher, shown_as="case-escalate")
    stop = {"reason": "until the contract is seen"}
    await _does(officer, "freeze", stop, shown_as="case-freeze")
    await _kyc_is(customer, "frozen")


async def _deposit_is(customer: Customer, txid: str, status: str) -> None:
    async def reached() -> bool | None:
        found = await customer.deposit(txid)
        return True if found is not None and found["status"] == status else None

    await eventually(f"the deposit is {status}", reached, 120)


async def _held(customer: Customer, txid: str) -> str:
    """The deposit's id, once it waits for an officer."""

    async def reached() -> str | None:
        found = await customer.deposit(txid)
        return found["id"] if found is not None and found["status"] == "held" else None

    return await eventually("the deposit is held", reached, 120)


async def _silence(running: Running, *, silent: bool) -> None:
    """Of the simulated exchange at the other end of transfers."""
    async with httpx.AsyncClient(base_url=running.variables["RIALTO_KYC_VENDOR_URL"]) as http:
        answer = await http.put("/travel-rule/silence", json={"silent": silent})
        answer.raise_for_status()
