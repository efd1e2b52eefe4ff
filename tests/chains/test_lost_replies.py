"""What a broadcast ended in when the reply was lost, late, or an error that means success."""

import json
from collections.abc import Callable

import httpx
import pytest

from chains.bitcoin.fees import FeePolicy
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.node import BroadcastOutcome, NodeFault, WrongChain
from domain.ids import TxId

TXID = TxId("ab" * 32)
Answer = Callable[[str], object]


def node(answer: Answer, name: str = "regtest") -> BitcoinNode:
    """A node that answers a method with a value, an `Exception`, or an error dict."""

    def respond(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        given = answer(body["method"])
        if isinstance(given, Exception):
            raise given
        if isinstance(given, dict) and "code" in given:
            return httpx.Response(500, json={"id": body["id"], "result": None, "error": given})
        return httpx.Response(200, json={"id": body["id"], "result": given, "error": None})

    transport = httpx.MockTransport(respond)
    return BitcoinNode(
        httpx.AsyncClient(transport=transport, base_url="http://node"), network(name)
    )


def error(code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message}


NOT_FOUND = error(-5, "No such mempool or blockchain transaction")
MISSING = error(-25, "bad-txns-inputs-missingorspent")


@pytest.mark.parametrize(
    ("sent", "looked_up", "outcome"),
    [
        (TXID, None, BroadcastOutcome.ACCEPTED),
        (httpx.ReadTimeout("lost"), None, BroadcastOutcome.UNKNOWN),
        (httpx.ConnectError("down"), None, BroadcastOutcome.UNKNOWN),
        (error(-28, "Loading block index"), None, BroadcastOutcome.UNKNOWN),
        (error(-27, "Transaction outputs already in utxo set"), None, BroadcastOutcome.KNOWN),
        (error(-26, "txn-already-in-mempool"), None, BroadcastOutcome.KNOWN),
        (MISSING, {"txid": TXID}, BroadcastOutcome.KNOWN),  # Mined long ago.
        (MISSING, NOT_FOUND, BroadcastOutcome.REFUSED),
        (MISSING, httpx.ReadTimeout("lost"), BroadcastOutcome.UNKNOWN),
        (error(-26, "insufficient fee"), NOT_FOUND, BroadcastOutcome.REFUSED),
    ],
)
async def test_a_broadcast_is_judged_by_what_is_known(
    sent: object, looked_up: object, outcome: BroadcastOutcome
):
    asked = node(lambda method: sent if method == "sendrawtransaction" else looked_up)

    assert (await asked.broadcast(b"\x00", TXID)).outcome is outcome


@pytest.mark.parametrize(
    "estimate", [{"errors": ["Insufficient data or no feerate found"], "blocks": 0}, {"blocks": 2}]
)
async def test_an_empty_estimator_gives_the_fallback(estimate: dict[str, object]):
    assert await node(lambda _: estimate).fee_rate(3, FeePolicy()) == 10_000


async def test_an_absurd_estimate_is_capped():
    assert await node(lambda _: {"feerate": 5}).fee_rate(3, FeePolicy()) == 500_000


@pytest.mark.parametrize(
    ("chain", "genesis", "agent"),
    [
        ("test", None, "/Satoshi:29.0/"),
        ("main", "00" * 32, "/Satoshi:29.0/"),
        ("main", None, "/Satoshi:29.4.1/Knots:20260508/"),
    ],
)
async def test_a_node_of_another_chain_is_refused(chain: str, genesis: str | None, agent: str):
    answers = {
        "getblockchaininfo": {"chain": chain},
        "getblockhash": genesis or network("bitcoin").genesis_hash,
        "getnetworkinfo": {"subversion": agent},
    }

    with pytest.raises(WrongChain):
        await node(answers.__getitem__, "bitcoin").check_identity()


async def test_an_answer_that_is_not_json_is_a_fault():
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>"))
    broken = BitcoinNode(
        httpx.AsyncClient(transport=transport, base_url="http://node"), network("regtest")
    )

    with pytest.raises(NodeFault):
        await broken.tip()
