"""What an exchange of a given load needs and costs: the tables of docs/cost.md.

`python -m bench.cost` writes them into the page anew; a test compares. Inputs are the figures of
our own benchmarks (`MEASURED`), list prices with their source (`PRICES`) and what nobody measured
yet (`ASSUMED`). Money is in US dollars, as Decimal; a month has 730 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "cost.md"
LOADS = (1_000, 10_000, 100_000)
HOURS = Decimal(730)
SECONDS = HOURS * 3600
TRADES_PER_ORDER = Decimal(1) / 3
HEADROOM = 2
MIB = Decimal(1024 * 1024)


@dataclass(frozen=True)
class Figure:
    """One input: its value, what it counts, and where it is from."""

    value: Decimal
    unit: str
    source: str


def _figure(value: str, unit: str, source: str) -> Figure:
    return Figure(Decimal(value), unit, source)


MEASURED = {
    "hold, API": _figure("100", "µs of a core", "docs/ledger.md, the slower machine"),
    "hold, PostgreSQL": _figure("108", "µs of a core", "docs/ledger.md, the slower machine"),
    "trade, worker": _figure("147", "µs of a core", "docs/ledger.md, the slower machine"),
    "trade, PostgreSQL": _figure("183", "µs of a core", "docs/ledger.md, the slower machine"),
    "command, engine": _figure("10", "µs of a core", "rialto bench engine"),
}
ASSUMED = {
    "HTTP, login, JSON": _figure(
        "2800", "µs of a core an order", "docs/capacity.md, the slower machine, without the hold"
    ),
    "events": _figure("120", "bytes an order on Kinesis", "two or three short rows, packed"),
    "item writes": _figure(
        "4.33", "DynamoDB writes an order", "two states with an index, 1/3 trade"
    ),
    "history": _figure(
        "1500", "bytes an order in PostgreSQL", "row, hold, entry and their indexes"
    ),
    "frames": _figure(
        "50", "SQS calls a second and API core", "a core sends what gathered in 20 ms"
    ),
}
_PUBLIC = "public price pages and guides, us-east-1, 2026"
_AGREED = "the same in several public price tables of us-east-1"
PRICES = {
    "vcpu": _figure("0.0408", "m7g, vCPU and hour", _PUBLIC),
    "postgres vcpu": _figure("0.239", "db.r7g Multi-AZ, vCPU and hour", _PUBLIC),
    "postgres gb": _figure("0.23", "gp3 Multi-AZ, GB and month", _PUBLIC),
    "sqs": _figure("0.50", "million FIFO requests", _PUBLIC),
    "nat": _figure("0.045", "NAT gateway and hour", _PUBLIC),
    "balancer": _figure("0.0225", "load balancer and hour, without its LCUs", _PUBLIC),
    "shard": _figure("0.015", "Kinesis shard and hour", _AGREED),
    "put": _figure("0.014", "million PUT units of 25 KB", _AGREED),
    "write": _figure("0.625", "million DynamoDB writes on demand", _PUBLIC),
    "eks": _figure("0.10", "EKS cluster and hour", _PUBLIC),
    "engine": _figure("0.29", "c7g.2xlarge and hour", _AGREED),
    "bitcoin node": _figure("0.1632", "m7g.xlarge and hour", _PUBLIC),
    "ethereum node": _figure("0.4284", "r7g.2xlarge and hour", _AGREED),
    "disk": _figure("0.08", "gp3, GB and month", _PUBLIC),
    "iops": _figure("0.005", "gp3, IOPS above 3,000 and month", _PUBLIC),
    "search": _figure("0.167", "r6g.large.search and hour", _AGREED),
    "search master": _figure("0.128", "m6g.large.search and hour", _AGREED),
    "valkey": _figure(
        "0.126", "cache.m7g.large, Valkey, and hour", "a fifth below Redis OSS, 0.158; us-east-1"
    ),
    "endpoint": _figure("0.01", "interface endpoint, zone and hour", _PUBLIC),
}


def price(name: str) -> Decimal:
    return PRICES[name].value


@dataclass(frozen=True)
class Capacity:
    """Cores in use at so many orders a second, before headroom."""

    api: Decimal
    postgres: Decimal
    settlement: Decimal
    engine: Decimal


def capacity(orders: int) -> Capacity:
    """From processor time; `orders` a second, a third of them traded."""
    seconds = {name: each.value / 10**6 for name, each in {**MEASURED, **ASSUMED}.items()}
    trades = orders * TRADES_PER_ORDER
    return Capacity(
        api=orders * (seconds["hold, API"] + seconds["HTTP, login, JSON"]),
        postgres=orders * seconds["hold, PostgreSQL"] + trades * seconds["trade, PostgreSQL"],
        settlement=trades * seconds["trade, worker"],
        engine=orders * seconds["command, engine"],
    )


def fixed() -> Iterator[tuple[str, Decimal]]:
    """A month of what terraform/environments/prod has before the first order."""
    disks = 2 * (1500 * price("disk") + 3000 * price("iops"))
    disks += 2 * (3000 * price("disk") + 9000 * price("iops"))
    yield "EKS cluster, 3 × m7g.2xlarge", HOURS * (price("eks") + 24 * price("vcpu"))
    yield "2 × c7g.2xlarge for the engine", HOURS * 2 * price("engine")
    yield (
        "PostgreSQL db.r7g.2xlarge Multi-AZ, 500 GB",
        HOURS * 8 * price("postgres vcpu") + 500 * price("postgres gb"),
    )
    nodes = 2 * (price("bitcoin node") + price("ethereum node"))
    yield "chain nodes and their disks", HOURS * nodes + disks
    yield "OpenSearch, 3 + 3 masters", HOURS * 3 * (price("search") + price("search master"))
    yield "Valkey × 2", HOURS * 2 * price("valkey")
    yield (
        "3 NAT gateways, 27 interface endpoints",
        HOURS * (3 * price("nat") + 27 * price("endpoint")),
    )
    yield "internal and public load balancer", HOURS * 2 * price("balancer")
    yield "6 Kinesis shards", HOURS * 6 * price("shard")


def variable(orders: int) -> Iterator[tuple[str, Decimal]]:
    """A month at `orders` a second, day and night, beyond `fixed`."""
    need = capacity(orders)
    cores = HEADROOM * (need.api + need.settlement)
    yield "API and settlement cores", HOURS * _whole(cores) * price("vcpu")
    beyond = max(Decimal(0), _whole(HEADROOM * need.postgres) - 8)
    yield "PostgreSQL cores beyond 8", HOURS * beyond * price("postgres vcpu")
    calls = min(Decimal(orders), ASSUMED["frames"].value * _whole(need.api))
    yield "SQS: send, receive, delete", SECONDS * 3 * calls / 10**6 * price("sqs")
    data = orders * ASSUMED["events"].value
    shards = max(Decimal(0), _whole(HEADROOM * data / MIB) - 4)
    puts = SECONDS * _whole(data / 25_000) / 10**6 * price("put")
    yield "Kinesis shards beyond 4, PUT units", HOURS * shards * price("shard") + puts
    writes = SECONDS * orders * ASSUMED["item writes"].value / 10**6
    yield "DynamoDB projections", writes * price("write")
    grown = SECONDS * orders * ASSUMED["history"].value / 10**9
    yield "PostgreSQL: each month of history kept", grown * price("postgres gb")


def _whole(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_CEILING)


def _dollars(value: Decimal) -> str:
    return f"{value.quantize(Decimal(1), ROUND_HALF_UP):,}"


def tables() -> str:
    """Markdown: inputs, capacity, costs."""
    return f"{_inputs()}\n\n{_capacity()}\n\n{_fixed()}\n\n{_variable()}"


def _inputs() -> str:
    rows = ["| input | value | unit | from |", "|---|---|---|---|"]
    for kind, figures in (("measured", MEASURED), ("assumed", ASSUMED), ("price", PRICES)):
        for name, each in figures.items():
            rows.append(f"| {kind}: {name} | {each.value} | {each.unit} | {each.source} |")
    return "\n".join(rows)


def _capacity() -> str:
    rows = ["| orders/s | API cores | PostgreSQL cores | settlement cores | engine cores |"]
    rows.append("|---|---|---|---|---|")
    for load in LOADS:
        need = capacity(load)
        cores = (need.api, need.postgres, need.settlement, need.engine)
        rows.append(f"| {load:,} | " + " | ".join(f"{each:.2f}" for each in cores) + " |")
    return "\n".join(rows)


def _fixed() -> str:
    lines = [*fixed(), ("**fixed, a month**", sum((cost for _, cost in fixed()), Decimal(0)))]
    rows = [f"| {name} | {_dollars(cost)} |" for name, cost in lines]
    return "\n".join(["| prod, before the first order | USD a month |", "|---|---|", *rows])


def _variable() -> str:
    head = "| | " + " | ".join(f"{load:,} orders/s" for load in LOADS) + " |"
    columns = [list(variable(load)) for load in LOADS]
    rows = [head, "|---|" + "---|" * len(LOADS)]
    for lines in zip(*columns, strict=True):
        costs = " | ".join(_dollars(cost) for _, cost in lines)
        rows.append(f"| {lines[0][0]} | {costs} |")
    base = sum((cost for _, cost in fixed()), Decimal(0))
    totals = [base + sum((cost for _, cost in column), Decimal(0)) for column in columns]
    rows.append("| **all, with the fixed part** | " + " | ".join(map(_dollars, totals)) + " |")
    million = [total / (SECONDS * load / 10**6) for total, load in zip(totals, LOADS, strict=True)]
    rows.append("| a million orders | " + " | ".join(f"{each:.2f}" for each in million) + " |")
    return "\n".join(rows)


BEGIN, END = "<!-- written by python -m bench.cost -->", "<!-- until here -->"


def page(text: str) -> str:
    """`text` with the tables of now between its marks."""
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.split(END, 1)[1]}"


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote the tables of {PAGE}")


if __name__ == "__main__":
    main()
