"""Trading clients of other people, unmodified: only their addresses are changed."""

from __future__ import annotations

import os

import pytest

from tests.dialect.conftest import CLIENTS, Customer, House

pytestmark = pytest.mark.skipif(
    not CLIENTS.exists(),
    reason="the clients are not installed: devstack/install/install.sh clients",
)

slow = pytest.mark.skipif(
    not os.environ.get("RIALTO_TEST_ALL"), reason="takes a minute: RIALTO_TEST_ALL=1"
)


async def trader(house: House) -> tuple[Customer, dict[str, str]]:
    customer = await house.customer(BTC="1", USDT="100000")
    return customer, {"KEY": customer.key.id, "SECRET": customer.key.secret}


async def test_nothing_gets_out(house: House) -> None:
    assert await house.run_client("escape.py") == {"escaped": []}


async def test_ccxt(house: House) -> None:
    _, keys = await trader(house)
    told = await house.run_client("ccxt_sync.py", **keys)

    assert told["markets"] == ["BTC/USDT", "ETH/BTC", "ETH/USDT"]
    assert told["usdt"] == 100_000
    assert told["statuses"] == {
        "resting": "open", "edited": "open", "canceled": "canceled", "post_only": "open",
        "bought": "closed", "sold": "closed",
    }  # fmt: skip
    assert told["open"] == [True]
    assert told["gone"] is True
    assert told["fee"]["currency"] == "BTC"
    assert 95 < told["spent"] <= 100
    assert told["mine"] == 3
    assert told["errors"] == {
        "insufficient": "InsufficientFunds",
        "unknown": "OrderNotFound",
        "cancel": "OrderNotFound",
        "maker": "OrderImmediatelyFillable",
        "symbol": "BadSymbol",
    }
    assert told["fees"] == 0.002
    assert told["currencies"] == ["BTC", "ETH", "USDT"]
    assert told["status"] == "ok"


async def test_ccxt_over_websockets(house: House) -> None:
    _, keys = await trader(house)
    told = await house.run_client("ccxt_pro.py", **keys)

    assert told["order"] == "closed"
    assert told["mine"] in ("BTC", "USDT")
    assert told["over_socket"] == ["open", "canceled"]
    assert told["best"] == ["BTC/USDT"]
    assert told["candle"] == 6
    assert told["account"] == "SPOT"


async def test_python_binance(house: House) -> None:
    _, keys = await trader(house)
    told = await house.run_client("python_binance.py", **keys)

    assert told["rest"]["statuses"] == ["NEW", "CANCELED", "FILLED"]
    assert told["rest"]["refused"] == -2010
    assert told["rest"]["candles"] > 0
    assert told["rest"]["birth"] is True
    assert told["rest"]["fees"] == "0.00200000"
    assert told["rest"]["address"] == "bcrt1"
    assert told["sockets"]["bought"] == "FILLED"
    assert told["sockets"]["trade"] == "trade"
    assert {"NEW", "TRADE", "outboundAccountPosition"} <= set(told["sockets"]["kinds"])
    assert told["sockets"]["book"] is True


async def test_binance_connector(house: House) -> None:
    customer, keys = await trader(house)
    for kind in ("ed25519", "rsa"):
        key = await house.key(customer, kind, ("read", "trade"))
        keys |= {f"{kind.upper()}_KEY": key.id, f"{kind.upper()}_PEM": key.pem()}
    told = await house.run_client("connector.py", **keys)

    assert told["limits"] == ["x-mbx-used-weight", "x-mbx-used-weight-1m"]
    assert told["statuses"] == ["NEW", "CANCELED", "FILLED"]
    assert told["refused"] == -2010
    assert told["signers"] == ["SPOT", "SPOT"]
    assert told["api"] == 200
    assert told["coins"] == 3


async def test_the_official_sdk(house: House) -> None:
    _, keys = await trader(house)
    told = await house.run_client("sdk_spot.py", **keys)

    assert told["statuses"] == ["NEW", "CANCELED", "FILLED", "FILLED"]
    assert told["coins"] == ["BTC", "ETH", "USDT"]
    assert told["trade"] == "BTCUSDT"


@slow
async def test_freqtrade_lives_through_a_trade(house: House) -> None:
    customer, keys = await trader(house)
    told = await house.run_client("freqtrade_cycle.py", seconds=200, SECONDS="150", **keys)

    assert told["closed"] is True
    assert told["orders"] == [["buy", "closed"], ["sell", "closed"]]
    assert told["reason"] == "enough"
    orders = await customer.ask("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert [each["status"] for each in orders] == ["FILLED", "FILLED"]


@slow
@pytest.mark.parametrize(
    ("name", "numbers", "least"),
    [
        ("python-binance", "0", 10),
        ("binance-connector", "0 8 10", 10),
        ("binance-sdk-spot", "0 2 4", 15),
    ],
)
async def test_snippets_of_their_readmes_run(
    house: House, name: str, numbers: str, least: int
) -> None:
    _, keys = await trader(house)
    told = await house.run_client("readme.py", name, *numbers.split(), **keys)

    assert told["failed"] == []
    assert len(told["ran"]) >= least, told["ran"]
