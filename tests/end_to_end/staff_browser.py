"""The Temporal UI behind the staff portal, as a staff member's hands and eyes use it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, Error, Locator, Page

from cli.demo.customer import eventually
from devstack.seed_staff import StaffMember
from tests.end_to_end.pictures import take_picture
from tests.end_to_end.web_browser import axe_violations

PATIENCE_MS = 120_000
"""The UI asks for a hundred files and polls histories; the machine may be busy."""
_CODE_SECONDS = 90
_LIST_MS = 5_000
"""After that the list is asked for anew."""


class StaffPage:
    """One tab of a staff member who is signed in."""

    def __init__(self, page: Page, url: str, who: StaffMember) -> None:
        self._page = page
        self._url = url
        self._who = who
        self._namespace = "rialto"

    async def sign_in(self) -> None:
        """A code works once: when it was used a moment ago, the next one is tried."""
        tried = ""

        async def entered() -> bool | None:
            nonlocal tried
            code = self._who.code()
            if code == tried:
                return None  # Five failures in a row would lock the login.
            tried = code
            await self._page.goto(f"{self._url}/staff/login")
            await self._page.fill("#login", self._who.login)
            await self._page.fill("#password", self._who.password)
            await self._page.fill("#code", code)
            await self.picture("sign-in")
            await self._page.click("button")
            await self._page.wait_for_load_state()
            return True if "/workflows" in self._page.url else None

        await eventually(f"{self._who.login} signs in", entered, _CODE_SECONDS)

    async def open_view(self, name: str) -> None:
        """One of the saved views that the portal puts into the UI, beside the list."""
        if "/workflows/" in self._page.url:
            await self._page.goto(f"{self._url}/namespaces/{self._namespace}/workflows")
        await self._page.locator("button:visible", has_text="Saved Views").click()
        await self._page.get_by_role("menuitem").get_by_text(name, exact=True).click()

    async def overview(self) -> str:
        """What the staff page says; nothing it holds may trouble a screen reader."""
        await self._page.goto(f"{self._url}/staff/overview")
        await self.picture("overview")
        found = await axe_violations(self._page)
        assert not found, "\n".join(found)
        return await self._page.locator("main").inner_text()

    async def figures(self) -> Any:
        return await (await self._page.request.get(f"{self._url}/staff/figures")).json()

    async def open_case(self, workflow_id: str) -> None:
        """By its line in the list, then what the workflow says about itself."""
        await self._page.get_by_role("link", name=workflow_id, exact=True).first.click()
        await self._page.get_by_test_id("user-metadata-tab").click()

    async def open_workflow(self, workflow_id: str) -> None:
        """By its address, as links in other cases lead to it."""
        name = quote(workflow_id, safe="")
        await self._page.goto(f"{self._url}/namespaces/{self._namespace}/workflows/{name}")
        await self._page.get_by_test_id("user-metadata-tab").click()

    async def is_listed(self, workflow_id: str) -> None:
        """In the view that is open; the list is behind by as long as Temporal's index is."""
        link = self._page.get_by_role("link", name=workflow_id, exact=True).first

        async def shown() -> bool | None:
            with contextlib.suppress(Error):
                await link.wait_for(timeout=_LIST_MS)
                return True
            await self._page.reload()
            return None

        await eventually(f"{workflow_id} is listed", shown, PATIENCE_MS / 1000)

    async def reads(self, text: str) -> None:
        """In what the workflow says about itself: the UI shows that in frames of their own."""

        async def seen() -> bool | None:
            return True if text in await self.whole_text() else None

        await eventually(f"{self._who.login} reads {text!r}", seen, PATIENCE_MS / 1000)

    async def whole_text(self) -> str:
        """Of the page and all its frames."""

        async def read() -> str | None:
            with contextlib.suppress(Error):  # A frame was drawn anew just now: read again.
                return "\n".join(
                    [await frame.locator("body").inner_text() for frame in self._page.frames]
                )
            return None

        return await eventually("the page stands still", read, PATIENCE_MS / 1000)

    async def send_update(
        self, name: str, argument: dict[str, Any], *, shown_as: str | None = None
    ) -> str:
        """Fill in the dialog "Send an Update" and return what it answers."""
        await self._page.locator("button:visible", has_text="More Actions").click()
        await self._page.locator("[data-testid=update-button]:visible").click()
        dialog = self._page.locator("[data-testid=update-confirmation-modal]:visible")
        await dialog.get_by_test_id("update-select-button").click()
        await dialog.get_by_role("option").filter(has=self._exactly(name)).click()
        await self._type(dialog.locator(".cm-content").first, argument)
        # The editor formats on leaving it and moves the button: leave it before pressing.
        await dialog.locator("#modal-title-update-confirmation-modal").click()
        await self.picture(f"update-{shown_as or name}", of=dialog)
        async with self._page.expect_response(
            lambda answer: f"/update/{name}" in answer.url, timeout=PATIENCE_MS
        ) as sent:
            await dialog.get_by_test_id("confirm-modal-button").click()
        answer = await (await sent.value).text()
        close = dialog.get_by_test_id("cancel-modal-button")
        if "failure" in answer:  # The dialog stays open and shows the sentence.
            await close.click()
        return answer

    async def _type(self, editor: Locator, argument: dict[str, Any]) -> None:
        """Over whatever is there, until it stands there: the editor fills itself late, too."""

        async def typed() -> bool | None:
            await editor.click()
            await self._page.keyboard.press("Control+A")
            await self._page.keyboard.insert_text(json.dumps(argument))
            with contextlib.suppress(ValueError):
                return True if json.loads(await editor.inner_text()) == argument else None
            return None

        await eventually(f"{argument} is typed", typed, PATIENCE_MS / 1000)

    async def picture(self, name: str, of: Locator | None = None) -> None:
        """For docs/runbooks, when RIALTO_SCREENSHOTS names a folder."""
        await take_picture(self._page, name, of)

    def _exactly(self, name: str) -> Locator:
        return self._page.get_by_text(name, exact=True)


@asynccontextmanager
async def staff_page(browser: Browser, url: str, who: StaffMember) -> AsyncIterator[StaffPage]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = StaffPage(await context.new_page(), url, who)
        await page.sign_in()
        yield page
    finally:
        await context.close()
