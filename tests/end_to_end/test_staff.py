"""Staff decide in the Temporal UI, through the portal; what they read is nowhere in clear."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.async_api import Browser
from rialto_client import RialtoError

from cli.demo.customer import Customer, eventually
from cli.demo.outside import OutsideBitcoin
from cli.running import Running
from compliance.mrz import check_digit
from devstack.rented import RentedStack
from devstack.rialto import ROWS
from devstack.seed_staff import BY_LOGIN
from streams.temporal import connect
from tests.end_to_end.staff_browser import StaffPage, staff_page
from workflows.rescreening_start import SCHEDULE_ID

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

FAMILY_NAME = "Quistgaard-Oyelaran"
"""Nobody else's here: where it is found, it is hers."""
PASSPORT_NUMBER = "ZQ8042617"
PERSONAL = (FAMILY_NAME, "Nora", "Storgatan", "1990-01-31", PASSPORT_NUMBER)
SATOSHI = 10_000_000
WITHDRAWN, WITHDRAWN_SATOSHI = "0.05", 5_000_000
"""Both are worth more than the travel rule's threshold."""


@pytest.fixture(scope="module")
async def nora(running: Running) -> AsyncIterator[Customer]:
    """A customer whose case waits for an officer."""
    async with httpx.AsyncClient(base_url=running.api_url, timeout=30) as api:
        customer = Customer(api, "nora")
        await customer.join()
        await customer.hand_in_papers(FAMILY_NAME, passport_zone())
        await _in_state(customer, "manual_review")
        yield customer


def passport_zone() -> str:
    """Of Nora's passport, with the check digits of ICAO Doc 9303."""
    first = "P<SWE" + f"{FAMILY_NAME}<<Nora".upper().replace("-", "<").ljust(39, "<")
    number = PASSPORT_NUMBER + str(check_digit(PASSPORT_NUMBER))
    born, ends, own = ("900131" + str(check_digit("900131")), "340131", "<" * 14)
    ends += str(check_digit(ends))
    own += str(check_digit(own))
    whole = check_digit(number + born + ends + own)
    return f"{first}\n{number}SWE{born}F{ends}{own}{whole}"


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
    for word in (*PERSONAL, "11122", nora.email):
        assert word.encode() not in raw, word


async def test_no_personal_data_stands_in_the_search_index(running: Running, nora: Customer):
    """Everything it holds, her deposit and withdrawal among it."""
    index = running.variables["RIALTO_OPENSEARCH_URL"]
    async with httpx.AsyncClient(base_url=index, timeout=30) as opensearch:

        async def filled() -> str | None:
            found = (await opensearch.get("/_all/_search", params={"size": 10_000})).text
            return found if f'"{nora.id}"' in found else None

        documents = await eventually("her records are in the index", filled, 60)
    words = "|".join(re.escape(word) for word in (*PERSONAL, "11122", nora.email))

    assert re.findall(rf"\b(?:{words})\b", documents, re.IGNORECASE) == []


async def test_no_personal_data_stands_in_logs_traces_or_metrics(
    exchange: RentedStack, running: Running, nora: Customer
):
    """After she was verified, paid and screened anew: of every process, our servers' too."""
    async with httpx.AsyncClient(base_url=running.api_url, timeout=30) as api:
        again = {"email": nora.email, "password": "somebody else's try"}
        await api.post("/v1/registrations", json=again)
        await api.post("/v1/sessions", json=again)
        await api.put("/v1/kyc/profile", json={"family_name": FAMILY_NAME})
    files = [each for name in ("log", "traces") for each in (exchange.site.home / name).iterdir()]
    texts = {file.name: file.read_bytes() for file in files}
    async with httpx.AsyncClient(timeout=30) as scraper:
        for row in ROWS:
            if row.name == "kyc_vendor":
                continue  # Simulated; it counts nothing.
            answer = await scraper.get(
                f"http://127.0.0.1:{exchange.port(f'{row.name}_metrics')}/metrics"
            )
            texts[f"metrics of {row.name}"] = answer.content

    words = "|".join(re.escape(word) for word in (*PERSONAL, nora.email))
    personal = re.compile(rf"\b(?:{words})\b".encode(), re.IGNORECASE)
    found = {(name, word) for name, text in texts.items() for word in personal.findall(text)}

    assert found == set()
    # What is looked through is what was written meanwhile: her number is there, her doings too.
    assert f'"kyc/{nora.id}"'.encode() in texts["compliance_worker.log"]
    assert b"screening_names_total" in texts["metrics of compliance_worker"]
    assert b"api_requests_total" in texts["metrics of api"]


async def test_everybody_is_screened_anew_every_day_by_a_schedule(
    running: Running, nora: Customer, monkeypatch: pytest.MonkeyPatch
):
    for name in (name for name in running.variables if name.startswith("AWS_")):
        monkeypatch.setenv(name, running.variables[name])
    client = await connect(_Temporal(running))
    schedule = client.get_schedule_handle(SCHEDULE_ID)
    described = await schedule.describe()
    before = await _screenings_of_all(running, "schedule")

    await schedule.trigger()

    assert [each.every for each in described.schedule.spec.intervals] == [timedelta(days=1)]
    assert not described.schedule.state.paused
    assert described.info.next_action_times

    async def screened() -> bool | None:
        return True if await _screenings_of_all(running, "schedule") > before else None

    await eventually("all were screened by the schedule", screened, 120)


class _Temporal:
    def __init__(self, running: Running) -> None:
        self.temporal_address = running.variables["RIALTO_TEMPORAL_ADDRESS"]
        self.temporal_namespace = running.variables["RIALTO_TEMPORAL_NAMESPACE"]


async def _screenings_of_all(running: Running, reason: str) -> int:
    """Whole rounds, as the audit log has them."""
    connection = await asyncpg.connect(running.database_url.replace("+asyncpg", ""))
    try:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM audit_log WHERE action = 'screening.all_screened'"
                " AND details ->> 'reason' = $1 AND (details ->> 'names')::int > 0",
                reason,
            )
        )
    finally:
        await connection.close()


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
