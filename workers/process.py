"""How every worker process runs: uvloop, JSON logs, a stop event that SIGTERM and SIGINT set."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from streams import collector, tracing
from streams.logs import configure_logging
from streams.metrics import emitting

logger = logging.getLogger(__name__)


def run(process: str, serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `serve(stop)` until it returns, which it should soon after `stop` is set.

    A second signal ends it at once.
    """
    configure_logging(process)
    tracing.configure(process)
    collector.calm()
    uvloop.run(_serve(process, serve))
    # Temporal's threads may abort the interpreter while it shuts down (sdk-python issue 300).
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(process: str, serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(stop))

    def on_signal(name: str) -> None:
        if stop.is_set():
            serving.cancel()
        logger.info("stopping", extra={"signal": name})
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    # A stop before the servers were found must not wait for them.
    stopping = asyncio.ensure_future(_cancel_when_stuck(stop, serving))
    try:
        async with emitting(process):
            await serving
    except asyncio.CancelledError:
        logger.warning("stopped before it had finished", extra={"stopped": process})
    finally:
        stopping.cancel()


async def _cancel_when_stuck(stop: asyncio.Event, serving: asyncio.Future[None]) -> None:
    await stop.wait()
    await asyncio.sleep(GRACE_SECONDS)
    serving.cancel()


GRACE_SECONDS = 40.0
"""More than a Temporal worker's own grace, less than what an orchestrator gives before SIGKILL."""
