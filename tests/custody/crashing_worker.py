"""Processes that run all of custody's queues until a fault kills them, or the test does.

`python -m tests.custody.crashing_worker` imports everything once, then makes a process for each
line it reads: JSON of `{"addresses": ..., "fault": ..., "ready": ...}`, fault null for one that
stays well. The process writes its number into the file `ready` when it works.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.custody.addresses import Addresses
from tests.custody.faults import Fault, FaultyChain, FaultyEngine, Harm
from tests.custody.house import connected, opened, working
from workflows import deposit, payment_driver, withdrawal, withdrawal_desk


def be_impatient() -> None:
    """A dead worker's step is given up after two seconds, so that tests need not wait for it."""
    for module in (deposit, payment_driver, withdrawal, withdrawal_desk):
        for name in ("STEP_TIMEOUT", "_STEP_TIMEOUT"):
            if hasattr(module, name):
                setattr(module, name, timedelta(seconds=2))
    payment_driver.REBROADCAST_AFTER = timedelta(seconds=1)


async def work(addresses: dict[str, str], fault: dict[str, Any] | None, ready: str) -> None:
    be_impatient()
    at = Addresses(**addresses)
    async with opened(at) as house:
        if fault is not None:
            planned = Fault(fault["step"], Harm(fault["harm"]), fault["number"])
            engines: Any = [FaultyEngine(each, planned) for each in (house.engine, house.signer)]
            house.engine, house.signer = engines
            chains: Any = [FaultyChain(each, planned) for each in (house.bitcoin, house.ethereum)]
            house.bitcoin, house.ethereum = chains
        await connected(house, at)
        parent = os.getppid()
        async with working(house):
            Path(ready).write_text(str(os.getpid()), encoding="ascii")  # noqa: ASYNC240
            while os.getppid() == parent:  # noqa: ASYNC110 - a parent's death is no event
                await asyncio.sleep(1)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the dead.
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(work(**json.loads(line)))
            os._exit(0)


if __name__ == "__main__":
    main()
