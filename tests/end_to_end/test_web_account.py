"""What a customer does with an account in the browser: factors, keys, papers, statements."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.async_api import Browser, Page, expect
from rialto_client.signing import ApiKey

from devstack.rented import RentedStack
from tests.end_to_end.web_browser import JSQR, PATIENCE_MS, Visitor, visitor

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

OWN_PAGES = (
    "/wallet",
    "/wallet/deposit/BTC",
    "/wallet/withdraw/ETH",
    "/wallet/history",
    "/wallet/explain/BTC",
    "/account",
    "/account/verification",
    "/account/security",
    "/account/api-keys",
    "/account/notifications",
    "/account/activity",
    "/trade/BTC-USDT",
)
SLOW_MS = 300
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def web_url(exchange: RentedStack) -> str:
    return f"http://127.0.0.1:{exchange.port('web')}"


async def test_an_authenticator_app_a_new_password_and_what_the_account_remembers(
    browser: Browser, web_url: str
):
    async with visitor(browser, web_url) as ada:
        await ada.sign_up()
        await ada.start_authenticator()
        scanned = await _scan(ada.page, "QR code of the secret")
        assert scanned.startswith("otpauth://totp/")
        assert f"secret={ada.totp_secret}" in scanned
        await ada.confirm_authenticator()

        old = ada.password
        await _change_password(ada, "not the one", "another password of hers")
        await ada.sees("The current password is wrong.")
        await _change_password(ada, old, "short")
        await ada.sees("A password has at least 10 characters.")
        await _change_password(ada, old, "another password of hers")
        await ada.sees("The password is changed")

        await ada.go("/account/activity")
        for action in ("Password changed", "Password change failed", "Authenticator app set up"):
            await ada.sees(action)
        await ada.go("/account")
        await ada.page.get_by_role("button", name="Log out").click()
        await ada.page.wait_for_url(f"{web_url}/")
        await ada.log_in()
        await ada.sees("E-mail address or password is wrong.")
        ada.password = "another password of hers"
        await ada.log_in()
        await ada.page.locator("#code").fill(ada.next_code())
        await ada.press_log_in()
        await ada.page.wait_for_url("**/wallet", timeout=PATIENCE_MS)
        assert ada.complaints == []


async def _change_password(ada: Visitor, current: str, new: str) -> None:
    page = ada.page
    if not page.url.endswith("/account/security"):
        await ada.go("/account/security")
    await page.get_by_label("Current password").fill(current)
    await page.get_by_label("New password", exact=True).fill(new)
    await page.get_by_label("New password once more").fill(new)
    form = page.locator("form:has(#new-password)")
    await form.evaluate("form => (form.noValidate = true)")  # Our own words, not the browser's.
    await form.get_by_role("button", name="Change password").click()


async def _scan(page: Page, label: str) -> str:
    """The QR code as a phone's camera would see it: from the pixels on the screen."""
    await page.evaluate(JSQR.read_text())
    shown = page.get_by_role("img", name=label)
    await expect(shown).to_be_visible(timeout=PATIENCE_MS)
    picture = base64.b64encode(await shown.screenshot()).decode()
    read = """async (png) => {
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width * 2, image.height * 2];
      const context = canvas.getContext('2d');
      context.imageSmoothingEnabled = false;
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      return jsQR(data, width, height)?.data ?? '';
    }"""
    return str(await page.evaluate(read, picture))


async def test_the_qr_code_of_a_deposit_address_reads_as_that_address(
    browser: Browser, web_url: str
):
    async with visitor(browser, web_url) as ada:
        await ada.sign_up()
        address = await ada.deposit_address("BTC")
        assert await _scan(ada.page, "QR code of your address") == address
        await ada.sees("Send only BTC, and only over Bitcoin.")
        await expect(ada.page.get_by_role("radio", name="Bitcoin")).to_be_checked()


async def test_a_key_made_in_the_browser_signs_requests_until_it_is_revoked(
    browser: Browser, web_url: str, exchange: RentedStack
):
    async with visitor(browser, web_url) as ada:
        sent: list[str] = []
        ada.page.on("request", lambda asked: sent.append(asked.post_data or ""))
        await ada.sign_up()
        await ada.go("/account/api-keys")
        await ada.page.get_by_label("Name").fill("my bot")
        await ada.page.get_by_role("button", name="Create key").click()
        pem = await ada.page.get_by_label("Private key").text_content(timeout=PATIENCE_MS)
        key_id = await ada.page.locator("p:has-text('X-API-Key') code").text_content()
        private = load_pem_private_key((pem or "").encode(), None)
        assert isinstance(private, Ed25519PrivateKey)
        assert not any("PRIVATE KEY" in body for body in sent)

        async def asked() -> int:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{exchange.port('api')}"
            ) as api:
                headers = ApiKey(key_id or "", private).headers("GET", "/v1/balances", b"")
                return (await api.get("/v1/balances", headers=headers)).status_code

        assert await asked() == 200
        await ada.page.get_by_role("button", name="I have kept it").click()
        await ada.page.get_by_role("button", name="Revoke").click()
        await ada.sees("The key is revoked")
        assert await asked() == 401


async def test_a_passkey_is_added_logs_in_and_is_removed(browser: Browser, web_url: str):
    url = web_url.replace("127.0.0.1", "localhost")  # Passkeys belong to a name.
    async with visitor(browser, url) as ada:
        protocol = await ada.page.context.new_cdp_session(ada.page)
        await protocol.send("WebAuthn.enable")
        made = await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        await ada.sign_up()
        await ada.go("/account/security")
        await ada.page.get_by_role("button", name="Add a passkey").click()
        await ada.sees("The passkey is added")
        kept = await protocol.send(
            "WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]}
        )
        assert [each["rpId"] for each in kept["credentials"]] == ["localhost"]

        await ada.go("/account")
        await ada.page.get_by_role("button", name="Log out").click()
        await ada.page.wait_for_url(f"{url}/")
        await ada.go("/login")
        await ada.page.get_by_role("button", name="Log in with a passkey").click()
        await ada.page.wait_for_url("**/wallet", timeout=PATIENCE_MS)
        await ada.go("/account/security")
        await ada.page.locator("li", has_text="This device").get_by_role("button").click()
        await ada.sees("The passkey is removed")


async def test_another_session_is_seen_and_ended(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as ada, visitor(browser, web_url) as elsewhere:
        await ada.sign_up()
        elsewhere.email, elsewhere.password = ada.email, ada.password
        await elsewhere.log_in()
        await elsewhere.page.wait_for_url("**/wallet", timeout=PATIENCE_MS)
        await ada.go("/account/security")
        await ada.page.get_by_role("button", name="End", exact=True).click()
        await ada.sees("The session has ended")
        await elsewhere.go("/account")
        await elsewhere.page.wait_for_url("**/login?ended=1**", timeout=PATIENCE_MS)


async def test_papers_are_photographed_with_the_camera(browser: Browser, web_url: str):
    async with visitor(browser, web_url, permissions=["camera"]) as ada:
        await ada.sign_up()
        await ada.fill_profile()
        await ada.page.get_by_role("button", name="Use the camera").click()
        await ada.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
        await ada.page.get_by_role("button", name="Take the picture").click()
        await ada.page.get_by_role("button", name="Hand in").click()
        await expect(ada.page.get_by_test_id("kyc-state")).to_have_attribute(
            "data-state", "manual_review", timeout=PATIENCE_MS
        )


async def test_choices_of_notifications_are_kept(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as ada:
        await ada.sign_up()
        await ada.go("/account/notifications")
        await ada.page.get_by_role("switch", name="Fills").uncheck()
        await ada.go("/account/notifications")
        await expect(ada.page.get_by_role("switch", name="Fills")).not_to_be_checked()
        await expect(ada.page.get_by_role("switch", name="Deposits")).to_be_checked()


async def test_own_pages_are_accessible_on_a_phone_and_in_the_dark(browser: Browser, web_url: str):
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
    async with visitor(browser, web_url, **phone) as ada:
        await ada.sign_up()
        for path in OWN_PAGES:
            await ada.go(path)
            await ada.page.wait_for_load_state("networkidle")
            assert await ada.overflow() == 0, path
            for scheme in ("light", "dark"):
                await ada.page.emulate_media(color_scheme=scheme)
                assert await ada.axe_violations() == [], (path, scheme)
        assert ada.complaints == []
        assert ada.elsewhere == set()


async def test_pages_speak_german(browser: Browser, web_url: str):
    async with visitor(browser, web_url, locale="de-DE") as eva:
        for path, words in (
            ("/", "Konto eröffnen"),
            ("/fees", "Gebühren"),
            ("/login", "Willkommen zurück"),
        ):
            await eva.go(path)
            await eva.sees(words)
            assert await eva.page.locator("html").get_attribute("lang") == "de"


async def test_everything_works_behind_a_network_of_300_ms(browser: Browser, web_url: str):
    async with visitor(browser, web_url) as ada:
        protocol = await ada.page.context.new_cdp_session(ada.page)
        slow = {
            "offline": False,
            "latency": SLOW_MS,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        await protocol.send("Network.enable")
        await protocol.send("Network.emulateNetworkConditions", slow)
        await ada.sign_up()
        await ada.open_market("BTC-USDT")
        await ada.order("Buy", "limit", price="50000", size="0.0001")
        await ada.sees("You do not have that much USDT available.")
        await ada.go("/wallet/history")
        await ada.page.get_by_role("button", name="Show").click()
        await ada.sees("Closing balance")
        assert ada.complaints == []


async def test_no_page_allows_inline_code_or_other_origins(web_url: str):
    async with httpx.AsyncClient(base_url=web_url) as client:
        for path in ("/", "/markets/BTC-USDT", "/login"):
            policy = (await client.get(path)).headers["content-security-policy"]
            assert "unsafe-inline" not in policy
            assert "unsafe-eval" not in policy
            assert "http:" not in policy
            assert "default-src 'none'" in policy
        assert "nonce-" in policy


async def test_a_statement_of_nothing_is_zero_and_its_file_has_only_a_head(
    browser: Browser, web_url: str
):
    async with visitor(browser, web_url) as ada:
        await ada.sign_up()
        await ada.go("/wallet/history")
        await ada.page.get_by_role("button", name="Show").click()
        await expect(ada.page.get_by_test_id("statement")).to_contain_text("Closing balance")
        async with ada.page.expect_download() as asked:
            await ada.page.get_by_role("link", name="Download CSV").click()
        content = (await (await asked.value).path()).read_text()
        assert len(content.splitlines()) == 1
        answer = await ada.page.request.get(f"{web_url}/v1/account")
        assert json.loads(await answer.text())["email"] == ada.email
