"""The web application: a customer's whole story in a real browser, and what the pages promise."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest
from playwright.async_api import Browser, expect

from api.examples import recorded_answers
from cli.demo.customer import Customer, eventually
from cli.demo.outside import OutsideBitcoin, OutsideEthereum
from cli.demo.staff import Staff
from cli.running import Running
from devstack.rented import RentedStack
from tests.end_to_end.command import rialto
from tests.end_to_end.web_browser import PATIENCE_MS, Visitor, visitor
from tests.end_to_end.web_trading import change_and_cancel, every_kind_of_order, read_statement
from tests.end_to_end.web_withdrawal import save_address, withdraw

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

COIN = 100_000_000
SATOSHI = 50_000_000
USDT_UNITS = 20_000_000_000
SCRIPT_BYTES_MAX = 200_000
PUBLIC_PAGES = (
    "/",
    "/markets",
    "/markets/BTC-USDT",
    "/fees",
    "/status",
    "/docs",
    "/proof-of-reserves",
    "/legal",
    "/login",
    "/register",
    "/staff",
)

FULL_PAGES = ("/account", "/account/activity", "/wallet", "/wallet/history", "/wallet/explain/BTC")
"""Those that grow with what a customer did."""


@pytest.fixture(scope="module")
def web_url(exchange: RentedStack) -> str:
    return f"http://127.0.0.1:{exchange.port('web')}"


@pytest.fixture(scope="module")
async def staff(running: Running) -> AsyncIterator[Staff]:
    officer = Staff(running)
    yield officer
    await officer.close()


@pytest.fixture
async def bot(
    api: httpx.AsyncClient, staff: Staff, ethereum: OutsideEthereum
) -> AsyncIterator[Customer]:
    """A market maker with USDT that bids for bitcoin, and takes its bids back at the end."""
    maker = Customer(api, "web-bot")
    await maker.join()
    await maker.hand_in_papers("Lindqvist")
    await _approve(maker, staff)
    await ethereum.prepare(USDT_UNITS)
    payment = await ethereum.pay_token(await maker.deposit_address("USDT"), USDT_UNITS)

    async def credited() -> bool | None:
        found = await maker.deposit(payment.txid)
        return True if found and found["status"] in {"credited", "withdrawable"} else None

    await eventually("the bot's deposit is credited", credited, 120)
    bid = {"market": "BTC-USDT", "side": "buy", "type": "limit", "size": "0.05"}
    await maker.place([{**bid, "price": str(price)} for price in (60_000, 59_990, 59_980)])
    yield maker
    await maker.cancel_all("BTC-USDT")


async def _approve(customer: Customer, staff: Staff) -> None:
    async def waits() -> bool | None:
        return True if await customer.kyc_state() == "manual_review" else None

    await eventually(f"{customer.name}'s case waits for an officer", waits, 120)
    await staff.approve_kyc(customer.id, "papers seen, name and photo match")


async def test_a_customer_signs_up_deposits_trades_and_withdraws(
    browser: Browser,
    web_url: str,
    bot: Customer,
    staff: Staff,
    bitcoin: OutsideBitcoin,
    running: Running,
):
    assert bot.id
    async with (
        visitor(browser, web_url, viewport={"width": 1440, "height": 900}) as ada,
        visitor(browser, web_url, viewport={"width": 390, "height": 844}) as phone,
    ):
        await _become_customer(ada, phone, staff)

        await bitcoin.prepare(2 * SATOSHI)
        await bitcoin.pay(await ada.deposit_address("BTC"), SATOSHI)
        await ada.sees("0.5 BTC are credited")
        await ada.deposit_is("withdrawable")

        await ada.open_market("BTC-USDT")
        await ada.order("Sell", "market", size="0.01")
        await ada.sees(": filled")
        await ada.tab("Fills")
        await expect(ada.page.get_by_test_id("fills").locator("tbody tr")).to_have_count(
            1, timeout=PATIENCE_MS
        )
        await change_and_cancel(ada)
        second = Visitor(await ada.page.context.new_page(), web_url)
        await every_kind_of_order(ada, second)
        await second.page.close()
        await read_statement(ada)
        await _verify_own_leaf(ada, running)
        payee = await bitcoin.new_address()
        await save_address(ada, "cold store", payee)
        phone.totp_secret = ada.totp_secret
        await withdraw(phone, bitcoin, "cold store", payee)
        for path in FULL_PAGES:
            await phone.go(path)
            await phone.page.wait_for_load_state("networkidle")
            assert await phone.overflow() == 0, path
        for tab in (ada, phone):
            assert tab.complaints == []
            assert tab.elsewhere == set()


async def _become_customer(ada: Visitor, phone: Visitor, staff: Staff) -> None:
    await ada.sign_up()
    # Logged in while there was no second factor to prove: later it has to prove one.
    await phone.log_in_as(ada)
    await ada.hand_in_papers()
    await ada.kyc_is("manual_review")
    await _answer_a_question(ada, staff)
    await staff.approve_kyc(await _customer_id(ada), "papers seen, name and photo match")
    await ada.kyc_is("approved")
    await ada.set_up_authenticator()


async def _answer_a_question(ada: Visitor, staff: Staff) -> None:
    """An officer wants another picture: the customer reads so, sends one, and hands in again."""
    question = "Please send the page with your address."
    asked = {"question": question, "reason": "the address is cut off"}
    await staff.update(f"kyc/{await _customer_id(ada)}", "request_info", asked)
    await ada.kyc_is("needs_info")
    await ada.sees(question)
    await ada.page.locator("summary", has_text="Passport or identity card").click()
    await ada.upload_document()
    await ada.hand_in()
    await ada.kyc_is("manual_review")


async def _verify_own_leaf(ada: Visitor, running: Running) -> None:
    """What the exchange owes her is counted in the published sums; another sum is not believed."""
    proved = await asyncio.to_thread(rialto, running, "reserves", "prove")
    assert proved.returncode == 0, proved.stderr
    await ada.go("/proof-of-reserves")
    await ada.ready()
    await ada.page.get_by_role("button", name="Take my leaf of the newest bundle").click()
    leaf = ada.page.get_by_label("Your leaf (JSON)")
    await expect(leaf).to_have_value(re.compile('"sums"'), timeout=PATIENCE_MS)
    await ada.page.get_by_role("button", name="Check").click()
    await ada.sees("Proven: a balance of")

    told = json.loads(await leaf.input_value())
    answer = await ada.page.request.get(f"{ada.url}/v1/balances")
    [btc] = [each for each in (await answer.json())["data"] if each["asset"] == "BTC"]
    owed = Decimal(btc["total"])
    assert int(told["sums"]["BTC"]) == owed * COIN
    told["sums"]["BTC"] = str(int(told["sums"]["BTC"]) + 1)
    await leaf.fill(json.dumps(told))
    await ada.page.get_by_role("button", name="Check").click()
    await ada.sees("Not proven:")


async def _customer_id(ada: Visitor) -> str:
    answer = await ada.page.request.get(f"{ada.url}/v1/account")
    return str((await answer.json())["customer_id"])


async def test_who_is_a_customer_already_is_told_to_log_in(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as ada, visitor(browser, web_url) as again:
        await ada.sign_up()
        await again.go("/register")
        await again.page.wait_for_load_state("networkidle")
        await again.page.get_by_label("E-mail address").fill(ada.email)
        await again.page.get_by_label("Password").fill("another password than hers")
        await again.page.locator("main").get_by_role("button", name="Sign up").click()
        await again.sees("If you are a customer already, log in.")


async def test_refusals_are_told_in_words(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as eve:
        await eve.sign_up()
        await eve.open_market("BTC-USDT")
        await eve.order("Buy", "limit", price="50000", size="0.00001")
        await eve.sees("Say how much.")  # The field takes no more decimals than a lot has.
        await eve.order("Buy", "limit", price="50000", size="0.0001")
        await eve.sees("You do not have that much USDT available.")
        await eve.go("/login")
        eve.password = "not the right one"
        await eve.log_in()
        await eve.sees("E-mail address or password is wrong.")


async def test_the_book_comes_back_right_after_the_api_was_killed(
    browser: Browser, web_url: str, exchange: RentedStack, bot: Customer
):
    async with visitor(browser, web_url) as reader, visitor(browser, web_url) as other:
        for tab in (reader, other):
            await tab.open_market("BTC-USDT")
            await _shows(tab, "59990")
        await _bid(bot, "59111")
        for tab in (reader, other):
            await _shows(tab, "59111")
        exchange.kill("api")
        # At once: the API is back in a second or two, and a tab looked at later is open again.
        await asyncio.gather(*(tab.feed_is("lost") for tab in (reader, other)))
        await asyncio.gather(*(tab.feed_is("open") for tab in (reader, other)))
        await bot.cancel_all("BTC-USDT")
        await bot.place(
            [
                {
                    "market": "BTC-USDT",
                    "side": "buy",
                    "type": "limit",
                    "price": "59500",
                    "size": "0.01",
                }
            ]
        )
        for tab in (reader, other):
            await _shows(tab, "59500")
            await expect(tab.page.locator('[data-price="59111"]')).to_have_count(0)


async def _bid(bot: Customer, price: str) -> None:
    order = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": price, "size": "0.01"}
    await bot.place([order])


async def _shows(tab: Visitor, price: str) -> None:
    level = tab.page.locator(f'[data-testid="book"] [data-price="{price}"]')
    await expect(level).to_have_count(1, timeout=PATIENCE_MS)


@pytest.mark.parametrize("path", PUBLIC_PAGES)
async def test_public_pages_are_accessible_and_ask_nobody_else(
    browser: Browser, web_url: str, path: str
):
    async with visitor(browser, web_url, viewport={"width": 390, "height": 844}) as reader:
        await reader.go(path)
        await reader.page.wait_for_load_state("networkidle")

        assert await reader.axe_violations() == []
        assert await reader.overflow() == 0
        assert reader.complaints == []
        assert reader.elsewhere == set()


async def test_the_reference_shows_a_real_answer_of_every_operation(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as reader:
        await reader.go("/docs")
        shown = reader.page.get_by_label("Example of an answer")

        texts = {json.dumps(json.loads(each)) for each in await shown.all_text_contents()}

        recorded = {json.dumps(each["body"]) for each in recorded_answers().values()}
        assert texts == recorded


async def test_dark_pages_are_accessible_too(browser: Browser, web_url: str):
    async with visitor(browser, web_url, color_scheme="dark") as reader:
        for path in ("/", "/markets/BTC-USDT"):
            await reader.go(path)
            await reader.page.wait_for_load_state("networkidle")
            assert await reader.axe_violations() == []
        await reader.open_market("BTC-USDT")
        assert await reader.axe_violations() == []


async def test_the_market_page_is_read_without_script_and_is_light(browser: Browser, web_url: str):
    async with visitor(browser, web_url, java_script_enabled=False) as reader:
        await reader.go("/markets/BTC-USDT")
        await reader.sees("Rules of this market")
    async with visitor(browser, web_url) as reader:
        scripts: dict[str, int] = {}

        async def weigh(url: str) -> None:
            async with httpx.AsyncClient() as client:
                scripts[url] = len(gzip.compress((await client.get(url)).content))

        urls: list[str] = []
        reader.page.on(
            "request",
            lambda asked: urls.append(asked.url) if asked.resource_type == "script" else None,
        )
        await reader.go("/markets/BTC-USDT")
        await reader.page.wait_for_load_state("networkidle")
        for url in set(urls):
            await weigh(url)
        assert 0 < sum(scripts.values()) < SCRIPT_BYTES_MAX


async def test_the_session_is_out_of_reach_of_scripts_and_other_sites(
    browser: Browser, web_url: str
):
    async with visitor(browser, web_url) as ada:
        await ada.sign_up()
        cookies = await ada.page.context.cookies()
        session = next(each for each in cookies if each["name"] == "rialto_session")
        assert session["httpOnly"]
        assert session["sameSite"] == "Lax"
        async with httpx.AsyncClient(base_url=web_url) as elsewhere:
            answer = await elsewhere.delete(
                "/v1/sessions/current",
                headers={
                    "Cookie": f"rialto_session={session['value']}",
                    "Origin": "https://evil.example",
                },
            )
            assert answer.status_code == 403
        answer = await ada.page.request.get(f"{web_url}/v1/account")
        assert answer.ok
