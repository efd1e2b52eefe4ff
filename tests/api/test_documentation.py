"""What the documentation shows is run as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import time
from typing import Any

import pytest

from compliance.tiers import Tier
from devstack.site import CHECKOUT
from domain.ids import CustomerId
from domain.webhook import sign
from tests.api.conftest import Exchange, eventually
from tests.api.shipper import MARKET, Shipper

pytestmark = pytest.mark.stack

EMAIL, PASSWORD = "ada@example.org", "a long enough one"
STRICT = """
set -euo pipefail
curl() { command curl --fail-with-body --max-time 20 "$@"; }
"""


def blocks(name: str, language: str = "") -> list[str]:
    text = (CHECKOUT / "docs" / name).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


async def run(script: str, address: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        STRICT + script,
        env={"PATH": os.environ["PATH"], "API": address},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_first_five_minutes_and_a_webhook(exchange: Exchange) -> None:
    """Verified and given money before, as the text asks."""
    shipper = Shipper(exchange)
    await shipper.levels((0, 5_100_000, 10))
    await eventually(
        lambda: exchange.services.trading.market_data.book(MARKET).sequence == shipper.sequence  # type: ignore[arg-type]
    )
    body = {"email": EMAIL, "password": PASSWORD}
    await exchange.http.post("/v1/registrations", json=body)
    session = (await exchange.http.post("/v1/sessions", json=body)).json()
    customer_id = CustomerId(int(session["customer_id"]))
    await exchange.set_tier(customer_id, Tier.BASIC)
    await exchange.give(customer_id, "USDT", "1000")
    script = blocks("api.md")[0] + blocks("webhooks.md")[0]
    assert script.count("curl") == 6

    code, output = await run(script, exchange.ws_url.replace("ws://", "http://"))

    assert code == 0, output
    assert '"client_order_id"' in output or '"status"' in output
    assert '"secret":"whsec_' in output


async def test_the_check_of_a_webhook_message() -> None:
    namespace: dict[str, Any] = {}
    exec(blocks("webhooks.md", "python")[0], namespace)
    secret, body, now = "whsec_" + "A" * 43 + "=", b'{"type":"ping"}', int(time.time())

    def headers(moment: int, *secrets: str) -> dict[str, str]:
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(secrets, "msg_1", moment, body),
        }

    verify = namespace["verify"]
    assert verify(secret, headers(now, secret), body) == "msg_1"
    assert verify(secret, headers(now, "whsec_" + "B" * 43 + "=", secret), body) == "msg_1"
    for given, content in (
        (headers(now, "whsec_" + "B" * 43 + "="), body),
        (headers(now, secret), body + b" "),
        (headers(now - 600, secret), body),
        ({**headers(now, secret), "webhook-id": "msg_2"}, body),
        ({**headers(now, secret), "webhook-timestamp": str(now + 1)}, body),
    ):
        with pytest.raises(ValueError, match=r"not signed by us|too old"):
            verify(secret, given, content)
