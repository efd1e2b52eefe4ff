"""Steps of a customer who takes bitcoin out: address book, code, and the way to the explorer."""

from __future__ import annotations

from decimal import Decimal

from playwright.async_api import Locator, expect

from cli.demo.customer import eventually
from cli.demo.outside import OutsideBitcoin
from tests.end_to_end.web_browser import PATIENCE_MS, Visitor

AMOUNT, SATOSHI = "0.05", 5_000_000


async def save_address(tab: Visitor, label: str, address: str) -> None:
    page = tab.page
    await tab.go("/wallet/withdraw/BTC")
    await page.get_by_text("Save an address").click(timeout=PATIENCE_MS)
    await page.locator("#book-label").fill(label)
    await page.locator("#book-address").fill(address)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("li", has_text=label)).to_contain_text(address, timeout=PATIENCE_MS)


async def withdraw(tab: Visitor, bitcoin: OutsideBitcoin, label: str, payee: str) -> None:
    """To a saved address, from a session that has to prove the second factor first."""
    page = tab.page
    await tab.go("/wallet/withdraw/BTC")
    await page.locator("li", has_text=label).get_by_role("button", name="Choose").click()
    await expect(page.locator("#address")).to_have_value(payee)
    await page.get_by_role("button", name="All", exact=True).click()
    await _is_most(tab)
    await page.locator("#amount").fill(AMOUNT)
    await page.get_by_role("button", name="Review").click()
    await expect(page.locator("main")).to_contain_text("Leaves your balance", timeout=PATIENCE_MS)
    assert await tab.overflow() == 0
    await page.get_by_role("button", name="Withdraw now").click()
    await _prove(tab)
    asked = page.get_by_test_id("withdrawal")
    await expect(asked).to_have_count(1, timeout=PATIENCE_MS)
    await expect(asked).to_have_attribute("data-status", "done", timeout=2 * PATIENCE_MS)
    assert await bitcoin.received(payee) == SATOSHI
    await _explore(tab, asked, payee)


async def _is_most(tab: Visitor) -> None:
    """What arrives if everything leaves: all but the fee."""
    answers = [await tab.page.request.get(f"{tab.url}/v1/{each}") for each in ("balances", "fees")]
    balances, fees = [await each.json() for each in answers]
    available = next(each["available"] for each in balances["data"] if each["asset"] == "BTC")
    fee = next(each["withdrawal_fee"] for each in fees["assets"] if each["asset"] == "BTC")
    shown = await tab.page.locator("#amount").input_value()
    assert Decimal(shown) == Decimal(available) - Decimal(fee) > 0


async def _prove(tab: Visitor) -> None:
    """A wrong code is refused, and nothing is asked for yet; the right one lets it go on."""
    dialog = tab.page.get_by_role("dialog", name="Prove that it is you")
    await dialog.locator("#step-up-code").fill(tab.wrong_code())
    await dialog.get_by_role("button", name="Continue").click()
    await expect(dialog.locator(".problem")).to_be_visible(timeout=PATIENCE_MS)
    answer = await tab.page.request.get(f"{tab.url}/v1/withdrawals")
    assert (await answer.json())["data"] == []
    await dialog.locator("#step-up-code").fill(tab.next_code())
    await dialog.get_by_role("button", name="Continue").click()
    await expect(dialog).to_have_count(0, timeout=PATIENCE_MS)


async def _explore(tab: Visitor, withdrawal: Locator, payee: str) -> None:
    """By its link; the explorer is behind the chain by as long as its listener takes."""
    await withdrawal.get_by_role("link", name="Transaction").click()
    await tab.page.wait_for_url("**/explorer/bitcoin/*", timeout=PATIENCE_MS)
    line = tab.page.locator("tbody tr", has_text=payee)

    async def found() -> bool | None:
        await tab.page.reload(wait_until="networkidle")
        return True if await line.count() == 1 else None

    await eventually("the explorer knows the payment", found, PATIENCE_MS / 1000)
    await expect(line).to_contain_text(AMOUNT)
