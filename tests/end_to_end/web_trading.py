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


async def a_pair_in_two_tabs(ada: Visitor, second: Visitor) -> None:
    """Two orders of one hold; a second tab sees them come and go."""
    await second.open_market("BTC-USDT")
    await second.tab("Open orders")
    await ada.order("Sell", "pair", price="72000", stop="40000", size="0.01")
    await orders_are(ada, 2)
    await orders_are(second, 2)
    await ada.page.get_by_role("button", name="Cancel all").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()
    await orders_are(ada, 0)
    await orders_are(second, 0)
