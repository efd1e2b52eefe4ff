"""The travel-rule network over HTTP. On a development machine a simulated counterparty answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

_TIMEOUT_SECONDS = 10.0


class TravelRuleNetwork:
    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=_TIMEOUT_SECONDS,
        )

    async def exchange_at(self, chain: str, address: str) -> str | None:
        answer = await self._http.get(f"/travel-rule/addresses/{chain}/{quote(address, safe='')}")
        found: str | None = _body(answer).get("exchange")
        return found

    async def send(self, payload: dict[str, Any]) -> None:
        answer = await self._http.post("/travel-rule/messages", json=payload)
        answer.raise_for_status()

    async def originator(self, chain: str, txid: str) -> dict[str, Any] | None:
        answer = await self._http.get(f"/travel-rule/transactions/{chain}/{quote(txid, safe='')}")
        found: dict[str, Any] | None = _body(answer).get("payload")
        return found


def _body(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == httpx.codes.NOT_FOUND:
        return {}
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body
