"""Load that grows step by step, on each of the three paths on which customers wait.

Orders come as an open loop: a latency counts from when an order was due, so falling behind shows.
Deposits and withdrawals come in bursts of growing size, as blocks and salaries do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final

from bench import deposits, withdrawals
from bench.custody_stack import CustodyStack, custody_stack, watch
from bench.knee import OTHERS, Curve, Point, goes_on
from bench.processors import busy_seconds
from bench.report import percentile
from bench.trading_stack import TradingStack, trading_stack

Tell = Callable[[str], None]

_CUSTOMERS: Final = 40
_CONNECTIONS: Final = 256
_STEP_SECONDS: Final = 4.0
_RATES: Final = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1_200, 1_600, 2_400)
_WARM_UP_RATE: Final = 20
_BURSTS: Final = (10, 40, 120, 300)
_WITHDRAWN: Final = (5, 20, 60)

ORDER_P99_MS: Final = 250.0
"""An order that takes longer to be answered is not carried."""
DEPOSIT_P99_MS: Final = 10_000.0
WITHDRAWAL_P99_MS: Final = 20_000.0


async def orders(tell: Tell) -> tuple[Curve, str]:
    """The curve, and what the conservation check found."""
    points: list[Point] = []
    async with trading_stack() as trading:
        logins = [asdict(each) for each in await trading.customers(_CUSTOMERS)]
        # Connections, caches and code are there when it counts.
        await _step(trading, logins, _WARM_UP_RATE)
        await trading.settled()
        idle = await _idle(trading.processor_seconds)
        curve = Curve("orders", ORDER_P99_MS, points, idle=idle)
        for rate in _RATES:
            if not goes_on(curve):
                break
            points.append(await _better(trading, logins, rate))
            tell(_told("orders", points[-1]))
        await trading.settled()
        return curve, await trading.conservation()


async def _better(trading: TradingStack, logins: list[dict[str, object]], rate: float) -> Point:
    """A step; of two if the first was not carried: a stall may be the machine's."""
    first = await _step(trading, logins, rate)
    if first.keeps_up and first.p99_ms <= ORDER_P99_MS:
        return first
    await trading.settled()
    second = await _step(trading, logins, rate)
    return min(first, second, key=lambda point: point.p99_ms)


async def _idle(seconds_used: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Cores that each part uses while nothing is asked of it."""
    before, began = seconds_used(), time.monotonic()
    await asyncio.sleep(_STEP_SECONDS)
    took = time.monotonic() - began
    return {name: (used - before.get(name, 0)) / took for name, used in seconds_used().items()}


async def _step(trading: TradingStack, logins: list[dict[str, object]], rate: float) -> Point:
    before, busy, began = trading.processor_seconds(), busy_seconds(), time.monotonic()
    found = await trading.load(
        "bench.order_load",
        logins=logins,
        connections=_CONNECTIONS,
        seconds=_STEP_SECONDS,
        rate=rate,
    )
    used, busy = trading.processor_seconds(), busy_seconds() - busy
    ours = sum(used[name] - before.get(name, 0) for name in used) + found["processor"]
    cores = {name: (used[name] - before.get(name, 0)) / found["seconds"] for name in used}
    cores["load generator"] = found["processor"] / found["seconds"]
    cores[OTHERS] = max(0.0, busy - ours) / (time.monotonic() - began)
    shares = found["acknowledged_ms"]
    return Point(rate, found["per_second"], shares["p50"], shares["p99"], cores)


async def custody(tell: Tell) -> tuple[list[Curve], str]:
    """Deposits (bitcoin) and withdrawals (one transaction each, and batched)."""
    credited: list[Point] = []
    async with custody_stack() as stack:
        await deposits.steady_warm_up(stack)
        idle = await _idle(stack.processor_seconds)
        curves = [Curve("deposits", DEPOSIT_P99_MS, credited, is_burst=True, idle=idle)]
        for size in _BURSTS:
            if not goes_on(curves[0]):
                break
            before = stack.processor_seconds()
            rate, waited = await deposits.burst(stack, size)
            credited.append(_point(size, rate, waited, _cores(stack, before, size, rate)))
            tell(_told("deposits", credited[-1]))
        await withdrawals.make_room(stack)
        for asset in ("ETH", "BTC"):
            points: list[Point] = []
            curve = Curve(
                f"withdrawals of {asset}", WITHDRAWAL_P99_MS, points, is_burst=True, idle=idle
            )
            curves.append(curve)
            for size in _WITHDRAWN:
                if not goes_on(curve):
                    break
                before = stack.processor_seconds()
                rate, crowd = await withdrawals.burst(stack, asset, size)
                cores = _cores(stack, before, size, rate)
                points.append(_point(size, rate, crowd.latencies(), cores))
                tell(_told(curve.name, points[-1]))
                await watch(240.0, crowd.look_done, "withdrawals confirmed and posted")
        return curves, await stack.conservation()


def _cores(
    stack: CustodyStack, before: dict[str, float], size: int, rate: float
) -> dict[str, float]:
    """Cores in use by each part, had it gone on like the burst, with what came before and after."""
    used = stack.processor_seconds()
    return {name: (used[name] - before.get(name, 0)) / size * rate for name in used}


def _point(size: int, rate: float, waited: Sequence[float], cores: dict[str, float]) -> Point:
    return Point(size, rate, percentile(waited, 0.5), percentile(waited, 0.99), cores)


def _told(name: str, point: Point) -> str:
    return (
        f"{name}: {point.offered:.0f} offered, {point.achieved:.1f}/s done, "
        f"p50 {point.p50_ms:.0f} ms, p99 {point.p99_ms:.0f} ms"
    )
