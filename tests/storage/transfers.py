"""The other exchanges, as tests want them, and what they say of who sends."""

from __future__ import annotations

from typing import Any

from streams.travel_rule import NetworkUnavailable


class SilentNetwork:
    """The other exchanges: nobody has said anything yet."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.payload: dict[str, Any] | None = None
        self.is_away = False

    async def exchange_at(self, chain: str, address: str) -> str | None:
        return "Another Exchange"

    async def send(self, payload: dict[str, Any]) -> None:
        self.told.append(payload)

    async def originator(self, chain: str, txid: str) -> dict[str, Any] | None:
        if self.is_away:
            raise NetworkUnavailable("nobody answers")
        return self.payload


def sent_by(person: dict[str, Any]) -> dict[str, Any]:
    return {"originator": {"originatorPersons": [person]}}


def company(name: str) -> dict[str, Any]:
    return {"legalPerson": {"name": {"nameIdentifier": [{"legalPersonName": name}]}}}


def person(given: str, family: str) -> dict[str, Any]:
    identifier = {"primaryIdentifier": family, "secondaryIdentifier": given}
    return {"naturalPerson": {"name": {"nameIdentifier": [identifier]}}}
