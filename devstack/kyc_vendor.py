"""A simulated identity vendor: its own HTTP service, honest about being one. Checks nobody.

    POST /v1/checks            {"key", "person", "documents"} -> {"id"}; a key has one check
    GET  /v1/checks/{id}       {"id", "status", "outcome", "reasons", "question"}
    PUT  /v1/scenarios         {"prefix": "kyc/1001", "scenario": "reject"}: what later checks play
    GET  /healthz

Beside it, under /travel-rule, answers a simulated exchange (devstack.travel_rule_counterparty).
When a check is done it calls the webhook with its id, signed; what it found must be fetched.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from compliance.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_webhook
from devstack.kyc_vendor_scenarios import BEHAVIOURS, Scenario, scenario_for
from devstack.kyc_vendor_store import Check, VendorStore
from devstack.travel_rule_counterparty import SimulatedCounterparty
from streams.listening import listen_host
from streams.logs import configure_logging

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class VendorSettings:
    webhook_url: str
    webhook_secret: str
    api_key: str
    store_path: str = ":memory:"
    delay_seconds: float = 0.3
    default: Scenario = Scenario.APPROVE


class SimulatedVendor:
    def __init__(self, settings: VendorSettings) -> None:
        self._settings = settings
        self._store = VendorStore(settings.store_path)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/checks", self._start),
                web.get("/v1/checks/{id}", self._show),
                web.put("/v1/scenarios", self._choose),
                web.get("/healthz", self._health),
                *SimulatedCounterparty().routes(),
            ]
        )
        app.cleanup_ctx.append(self._webhooks)
        return app

    async def _start(self, request: web.Request) -> web.Response:
        self._authorize(request)
        body = await request.json()
        scenario = scenario_for(
            body["person"].get("given_names", ""),
            self._store.chosen(body["key"]),
            self._settings.default,
        )
        delay = self._settings.delay_seconds * BEHAVIOURS[scenario].delay_factor
        check = self._store.add(body["key"], scenario, time.time() + delay)
        return web.json_response({"id": check.id}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        self._authorize(request)
        check = self._store.find(request.match_info["id"])
        if check is None:
            raise web.HTTPNotFound(text="no such check")
        if time.time() < check.due_at:
            return web.json_response({"id": check.id, "status": "pending"})
        behaviour = BEHAVIOURS[check.scenario]
        return web.json_response(
            {
                "id": check.id,
                "status": "complete",
                "outcome": behaviour.outcome,
                "reasons": behaviour.reasons,
                "question": behaviour.question,
                "simulated": True,
            }
        )

    async def _choose(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            scenario = Scenario(body["scenario"])
        except ValueError:
            raise web.HTTPBadRequest(text=f"scenarios: {', '.join(Scenario)}") from None
        self._store.choose(body.get("prefix", ""), scenario)
        return web.json_response({"scenario": scenario})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"healthy": True, "simulated": True})

    def _authorize(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self._settings.api_key}":
            raise web.HTTPUnauthorized(text="wrong API key")

    # Webhooks --------------------------------------------------------------------------------

    async def _webhooks(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as http:
            sending = asyncio.create_task(self._send_for_ever(http))
            yield
            sending.cancel()
        self._store.close()

    async def _send_for_ever(self, http: aiohttp.ClientSession) -> None:
        while True:
            due = [check for check in self._store.untold() if check.due_at <= time.time()]
            answers = await asyncio.gather(*(self._tell(http, check) for check in due))
            await asyncio.sleep(_LOOK_SECONDS if all(answers) else _RETRY_SECONDS)

    async def _tell(self, http: aiohttp.ClientSession, check: Check) -> bool:
        behaviour = BEHAVIOURS[check.scenario]
        secret = self._settings.webhook_secret if behaviour.is_signed_right else "not the secret"
        event = {"event_id": f"evt_{check.id}", "check_id": check.id, "type": "check.completed"}
        body = json.dumps(event).encode()
        for _ in range(behaviour.webhooks):
            if not await self._post(http, secret.encode(), body):
                return False
        self._store.told(check.id)
        return True

    async def _post(self, http: aiohttp.ClientSession, secret: bytes, body: bytes) -> bool:
        """Whether the other side took it, or will never take it; only faults are tried again."""
        moment = int(time.time())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: str(moment),
            SIGNATURE_HEADER: sign_webhook(secret, moment, body),
        }
        url = self._settings.webhook_url
        try:
            async with http.post(url, data=body, headers=headers) as answer:
                return answer.status < 500
        except (aiohttp.ClientError, TimeoutError):
            logger.warning("webhook not delivered", extra={"url": url})
            return False


def settings_from(variables: dict[str, str]) -> VendorSettings:
    home = Path(variables.get("RIALTO_HOME", ".data")) / "kyc_vendor"
    home.mkdir(parents=True, exist_ok=True)
    return VendorSettings(
        webhook_url=variables["RIALTO_KYC_WEBHOOK_URL"],
        webhook_secret=variables["RIALTO_KYC_WEBHOOK_SECRET"],
        api_key=variables["RIALTO_KYC_VENDOR_API_KEY"],
        store_path=str(home / "checks.db"),
        delay_seconds=float(variables.get("RIALTO_KYC_VENDOR_DELAY_SECONDS", "0.3")),
        default=Scenario(variables.get("RIALTO_KYC_VENDOR_SCENARIO", "approve")),
    )


def main() -> None:
    configure_logging("kyc_vendor")
    vendor = SimulatedVendor(settings_from(dict(os.environ)))
    port = int(os.environ["RIALTO_KYC_VENDOR_PORT"])
    web.run_app(vendor.app(), host=listen_host(), port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
