"""The travel-rule network over HTTP. On a development machine a simulated counterparty answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

_TIMEOUT_SECONDS = 10.0


class NetworkUnavailable(Exception):
    """No answer, or none that can be used: nothing is known yet. Ask again."""


class TravelRuleNetwork:
    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=_TIMEOUT_SECONDS,
        )

    async def exchange_at(self, chain: str, address: str) -> str | None:
        path = f"/travel-rule/addresses/{chain}/{quote(address, safe='')}"
        found: str | None = (await self._asked("GET", path)).get("exchange")
        return found

    async def send(self, payload: dict[str, Any]) -> None:
        await self._asked("POST", "/travel-rule/messages", json=payload)

    async def originator(self, chain: str, txid: str) -> dict[str, Any] | None:
        path = f"/travel-rule/transactions/{chain}/{quote(txid, safe='')}"
        found: dict[str, Any] | None = (await self._asked("GET", path)).get("payload")
        return found

    async def _asked(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """The answer's body; empty where there is nothing. Raises NetworkUnavailable."""
        try:
            answer = await self._http.request(method, path, **content)
            if method == "GET" and answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            answer.raise_for_status()
            body = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as fault:
            raise NetworkUnavailable(f"the travel-rule network: {fault}") from fault
        if not isinstance(body, dict):
            raise NetworkUnavailable("the travel-rule network answered nonsense")
        return body
