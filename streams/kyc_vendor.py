"""The identity vendor over HTTP. A simulated one ships in `devstack`; real ones fit here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """What the vendor says of a check. `outcome` None: not finished."""

    outcome: str | None
    reasons: list[str] = field(default_factory=list)
    question: str = ""


class KycVendor:
    """Raises httpx errors as they are: an unreachable vendor is a fault, and the caller retries."""

    def __init__(self, url: str, api_key: str) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS)

    async def start_check(self, key: str, person: dict[str, str], documents: list[str]) -> str:
        """The vendor's id of the check. The same key answers with the same check."""
        body: dict[str, Any] = {"key": key, "person": person, "documents": documents}
        answer = await self._http.post("/v1/checks", json=body)
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def check(self, check_id: str) -> VendorAnswer:
        answer = await self._http.get(f"/v1/checks/{check_id}")
        answer.raise_for_status()
        said = answer.json()
        return VendorAnswer(
            outcome=said.get("outcome"),
            reasons=[str(reason) for reason in said.get("reasons", [])],
            question=str(said.get("question", "")),
        )

    async def close(self) -> None:
        await self._http.aclose()
