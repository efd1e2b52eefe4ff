"""The web application as a customer's hands and eyes use it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
from playwright.async_api import Browser, FilePayload, Page, expect

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
JSQR = ROOT / "web/node_modules/jsqr/dist/jsQR.js"
PATIENCE_MS = 120_000
"""Chains and workflows take their time, and the machine may be busy."""
_STEP_SECONDS = 30
_AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Visitor:
    """One tab. Whatever the page complains about in its console is kept."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.elsewhere: set[str] = set()
        self.email = f"web-{secrets.token_hex(5)}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.totp_secret = ""
        self._used = ""
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.on("request", lambda request: self._note_request(request.url))

    def _note(self, kind: str, text: str) -> None:
        is_refusal = "Failed to load resource" in text or "WebSocket connection" in text
        if kind == "error" and not is_refusal:
            self.complaints.append(text)

    def _note_request(self, url: str) -> None:
        if url.startswith("http") and not url.startswith(self.url):
            self.elsewhere.add(url)

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    async def sign_up(self) -> None:
        await self.go("/register")
        await self.ready()
        await self.page.get_by_label("E-mail address").fill(self.email)
        await self.page.get_by_label("Password").fill(self.password)
        await self.page.locator("main").get_by_role("button", name="Sign up").click()
        await self.page.wait_for_url("**/account/verification", timeout=PATIENCE_MS)

    async def log_in(self) -> None:
        await self.go("/login")
        await self.ready()
        await self.page.get_by_label("E-mail address").fill(self.email)
        await self.page.get_by_label("Password").fill(self.password)
        await self.press_log_in()

    async def log_in_as(self, other: Visitor) -> None:
        """The same customer on another device."""
        self.email, self.password = other.email, other.password
        await self.log_in()
        await self.page.wait_for_url(lambda url: not url.endswith("/login"), timeout=PATIENCE_MS)

    async def press_log_in(self) -> None:
        await self.page.locator("main").get_by_role("button", name="Log in", exact=True).click()

    async def hand_in_papers(self) -> None:
        """A picture of the page itself is paper enough for the simulated vendor."""
        await self.fill_profile()
        await self.upload_document()
        await self.hand_in()

    async def upload_document(self) -> None:
        upload = self.page.get_by_test_id("upload-identity_document")
        picture = await self.page.screenshot()
        file: FilePayload = {"name": "passport.png", "mimeType": "image/png", "buffer": picture}
        async with self.page.expect_response("**/v1/kyc/documents", timeout=PATIENCE_MS) as sent:
            await upload.set_input_files(file)
        assert (await sent.value).status == 201

    async def hand_in(self) -> None:
        await self.page.get_by_role("button", name="Hand in").click(timeout=PATIENCE_MS)

    async def fill_profile(self) -> None:
        page = self.page
        fields = {
            "Given names": "Ada",
            "Family name": "Lindqvist",
            "Date of birth": "1990-01-31",
            "Address": "Storgatan 1, 11122 Stockholm",
        }
        for label, text in fields.items():
            await page.get_by_label(label, exact=True).fill(text)
        for label in ("Nationality", "Country you live in"):
            await page.get_by_label(label, exact=True).select_option("Sweden")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_label("Given names")).to_have_count(0, timeout=PATIENCE_MS)

    async def kyc_is(self, state: str) -> None:
        shown = self.page.get_by_test_id("kyc-state")
        await expect(shown).to_have_attribute("data-state", state, timeout=PATIENCE_MS)

    async def set_up_authenticator(self) -> None:
        await self.start_authenticator()
        await self.confirm_authenticator()

    async def start_authenticator(self) -> None:
        await self.go("/account/security")
        await self.page.get_by_role("button", name="Set up").click(timeout=PATIENCE_MS)
        secret = self.page.get_by_test_id("totp-secret")
        self.totp_secret = (await secret.text_content(timeout=PATIENCE_MS)) or ""

    async def confirm_authenticator(self) -> None:
        await self.page.get_by_label("Code of your authenticator app").fill(self.code())
        await self.page.get_by_role("button", name="Confirm").click()
        await self.page.get_by_role("button", name="I have kept them").click(timeout=PATIENCE_MS)

    def code(self) -> str:
        return pyotp.TOTP(self.totp_secret).now()

    def next_code(self) -> str:
        """A code works once: this one is good already and was not used yet."""
        return pyotp.TOTP(self.totp_secret).at(int(time.time()) + _STEP_SECONDS)

    def wrong_code(self) -> str:
        """No code of about now."""
        now, totp = int(time.time()), pyotp.TOTP(self.totp_secret)
        near = {totp.at(now + steps * _STEP_SECONDS) for steps in range(-3, 4)}
        return next(each for each in map("{:06}".format, range(8)) if each not in near)

    async def deposit_address(self, asset: str) -> str:
        await self.go(f"/wallet/deposit/{asset}")
        shown = self.page.get_by_test_id("deposit-address")
        return (await shown.text_content(timeout=PATIENCE_MS)) or ""

    async def deposit_is(self, status: str) -> None:
        row = self.page.locator(f'[data-testid="deposit"][data-status="{status}"]')
        await expect(row.first).to_be_visible(timeout=2 * PATIENCE_MS)

    async def open_market(self, market: str) -> None:
        await self.go(f"/trade/{market}")
        await self.feed_is("open")

    async def feed_is(self, state: str) -> None:
        terminal = self.page.get_by_test_id("terminal")
        await expect(terminal).to_have_attribute("data-feed", state, timeout=PATIENCE_MS)

    async def order(self, side: str, kind: str, **amounts: str) -> None:
        """Fill the form and send it."""
        form = self.page.get_by_role("form", name="Place an order")
        await form.get_by_role("button", name=side, exact=True).click()
        await form.locator("#kind").select_option(kind)
        for field, amount in amounts.items():
            await form.locator(f"#{field.replace('_', '-')}").fill(amount)
        await form.locator("button.submit").click()

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=re.compile(name)).click()

    async def axe_violations(self) -> list[str]:
        return await axe_violations(self.page)

    async def overflow(self) -> int:
        """Pixels by which the page is wider than the screen."""
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(await self.page.evaluate(wider))

    async def ready(self) -> None:
        """Forms are drawn by the server; they work once the script is there."""
        await self.page.wait_for_load_state("networkidle")


async def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, for WCAG 2.2 AA."""
    await page.evaluate(AXE.read_text())
    # Colours that are still on their way from one scheme to the other are nobody's.
    await page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
    found = await page.evaluate(
        "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", _AXE_TAGS
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@asynccontextmanager
async def visitor(browser: Browser, url: str, **options: Any) -> AsyncIterator[Visitor]:
    """A browser context of its own: no cookies, English, light."""
    context = await browser.new_context(**{"locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield Visitor(await context.new_page(), url)
    finally:
        await context.close()
