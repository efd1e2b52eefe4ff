"""The headless Chromium of the browser tests: `make chromium` puts it there."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

CHROMIUM = Path(__file__).parent.parent / ".tools/chromium/bin/chromium"

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--use-fake-device-for-media-stream",  # A moving test picture stands in for the camera.
)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    assert CHROMIUM.exists(), "no browser here: run `make chromium`"
    # Chromium's own sandbox needs an ordinary user; the pages it sees here are ours.
    sandbox = os.geteuid() != 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_FLAGS), chromium_sandbox=sandbox
        )
        try:
            yield browser
        finally:
            await browser.close()
