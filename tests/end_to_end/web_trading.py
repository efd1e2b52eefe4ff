"""Steps of a customer who has bitcoin to trade with."""

from __future__ import annotations

from playwright.async_api import Locator, expect

from tests.end_to_end.web_browser import PATIENCE_MS, Visitor

_LIVE = "tr[data-status='open'], tr[data-status='placed']"


def live_orders(tab: Visitor) -> Locator:
    return tab.page.locator(_LIVE)


async def orders_are(tab: Visitor, count: int) -> None:
    await expect(live_orders(tab)).to_have_count(count, timeout=PATIENCE_MS)


async def change_and_cancel(ada: Visitor) -> None:
    """Smaller keeps the order, a new price makes another one, and then it is taken back."""
    await ada.order("Sell", "limit", price="70000", size="0.02")
    await ada.tab("Open orders")
    await orders_are(ada, 1)
    row = live_orders(ada)
    number = await row.get_attribute("data-order")
    await row.get_by_role("button", name="Change").click()
    await ada.page.locator("#amend-size").fill("0.01")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("0.0100", timeout=PATIENCE_MS)
    assert await row.get_attribute("data-order") == number

    await row.get_by_role("button", name="Change").click()
    await ada.page.locator("#amend-price").fill("70500")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("70,500.00", timeout=PATIENCE_MS)
    assert await row.get_attribute("data-order") != number
    await row.get_by_role("button", name="Cancel").click()
    await orders_are(ada, 0)


async def every_kind_of_order(ada: Visitor, second: Visitor) -> None:
    """Those that wait, by the form; a second tab sees them come, and go with one key."""
    await second.open_market("BTC-USDT")
    await second.tab("Open orders")
    await ada.order("Sell", "pair", price="72000", stop="40000", size="0.01")
    await orders_are(ada, 2)
    await orders_are(second, 2)
    await ada.order("Sell", "trailing_stop", trail="12.5", size="0.01")
    await expect(live_orders(ada).filter(has_text="12.5")).to_have_count(1, timeout=PATIENCE_MS)
    await ada.order("Sell", "stop_limit", stop="41000", price="40900", size="0.01")
    await ada.order("Sell", "take_profit", stop="90000", size="0.01")
    await orders_are(ada, 5)
    await _iceberg(ada)
    await orders_are(second, 6)
    await second.page.set_viewport_size({"width": 390, "height": 844})
    assert await second.overflow() == 0, "many orders do not widen a phone's page"

    keys = ada.page.locator("#shortcuts")
    await keys.uncheck()
    await ada.page.evaluate("document.activeElement.blur()")  # Away from the fields.
    await ada.page.keyboard.press("x")
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)
    await keys.check()
    await ada.page.evaluate("document.activeElement.blur()")
    await ada.page.keyboard.press("x")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()
    await orders_are(ada, 0)
    await orders_are(second, 0)


async def _iceberg(ada: Visitor) -> None:
    """The book shows only what is to be shown."""
    form = ada.page.get_by_role("form", name="Place an order")
    await form.locator("#kind").select_option("limit")
    await form.get_by_text("More terms").click()
    await form.locator("#display").fill("0.002")
    await ada.order("Sell", "limit", price="71000", size="0.02")
    await expect(live_orders(ada).filter(has_text="iceberg")).to_have_count(1, timeout=PATIENCE_MS)
    level = ada.page.locator('[data-testid="book"] [data-price="71000"]')
    await expect(level).to_have_attribute("data-size", "0.002", timeout=PATIENCE_MS)
    await form.locator("#display").fill("")


async def read_statement(ada: Visitor) -> None:
    """The statement's last balance is the wallet's, and its file has every line."""
    await ada.go("/wallet")
    shown = ada.page.get_by_test_id("available-BTC")
    available = ((await shown.text_content(timeout=PATIENCE_MS)) or "").strip()
    await ada.go("/wallet/history")
    await ada.page.get_by_role("button", name="Show").click()
    statement = ada.page.get_by_test_id("statement")
    await expect(statement.locator("tr.closing td").first).to_have_text(available)
    said = await ada.page.locator("text=/^\\d+ lines$/").text_content()
    async with ada.page.expect_download() as asked:
        await ada.page.get_by_role("link", name="Download CSV").click()
    rows = (await (await asked.value).path()).read_text().splitlines()
    assert len(rows) - 1 == int((said or "0").split()[0]) > 3
    await ada.go("/wallet/explain/BTC")
    await expect(ada.page.locator("tbody tr").first.locator("td").last).to_have_text(available)
