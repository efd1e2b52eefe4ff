"""A simulated exchange at the other end of transfers, part of the simulated vendor's process.

    GET  /travel-rule/addresses/{chain}/{address}      whose address: "Simulated Exchange", or 404
    POST /travel-rule/messages                         takes an IVMS101 payload, by its reference
    GET  /travel-rule/messages/{reference}             what was taken, for tests and the curious
    GET  /travel-rule/transactions/{chain}/{txid}      who sent it; at once, unless told otherwise
    PUT  /travel-rule/silence   {"silent": true}       no word of any transaction until it is false

It is in memory: what a real counterparty would keep is no business of ours.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

NAME = "Simulated Exchange"
SELF_HOSTED_MARK = "self"
"""Nobody answers for addresses that end so."""


class SimulatedCounterparty:
    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}
        self._is_silent = False

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/travel-rule/addresses/{chain}/{address}", self._whose),
            web.post("/travel-rule/messages", self._take),
            web.get("/travel-rule/messages/{reference:.+}", self._taken),
            web.get("/travel-rule/transactions/{chain}/{txid}", self._who_sent),
            web.put("/travel-rule/silence", self._be_silent),
        ]

    async def _whose(self, request: web.Request) -> web.Response:
        if request.match_info["address"].endswith(SELF_HOSTED_MARK):
            raise web.HTTPNotFound(text="nobody's")
        return web.json_response({"exchange": NAME, "simulated": True})

    async def _take(self, request: web.Request) -> web.Response:
        payload = await request.json()
        self._messages[payload["transfer"]["reference"]] = payload
        return web.json_response({"taken": True, "simulated": True}, status=201)

    async def _taken(self, request: web.Request) -> web.Response:
        payload = self._messages.get(request.match_info["reference"])
        if payload is None:
            raise web.HTTPNotFound(text="no such message")
        return web.json_response(payload)

    async def _who_sent(self, request: web.Request) -> web.Response:
        if self._is_silent:
            raise web.HTTPNotFound(text="nothing is known of this transaction")
        txid = request.match_info["txid"]
        return web.json_response({"payload": _stranger(txid), "simulated": True})

    async def _be_silent(self, request: web.Request) -> web.Response:
        self._is_silent = bool((await request.json())["silent"])
        return web.json_response({"silent": self._is_silent})


def _stranger(txid: str) -> dict[str, Any]:
    name = {
        "primaryIdentifier": "Simulated",
        "secondaryIdentifier": "Sender",
        "nameIdentifierType": "LEGL",
    }
    person = {"naturalPerson": {"name": {"nameIdentifier": [name]}}}
    return {
        "originator": {"originatorPersons": [person], "accountNumber": [txid]},
        "originatingVASP": {
            "legalPerson": {"name": {"nameIdentifier": [{"legalPersonName": NAME}]}}
        },
    }
