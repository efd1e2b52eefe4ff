"""Starts our processes as forks of one that has imported their libraries already.

Fourteen Python processes that each import Temporal, SQLAlchemy, web3 and boto3 take half a minute
of two cores, and a gigabyte for fourteen copies of the same. Forked, they start at once and share
those pages. Only libraries are imported here, never our own code: a process that starts anew runs
the code of now. Development only; where there is no nursery, processes start the ordinary way.

A request is one JSON line on a Unix socket, the answer one line with the child's pid.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypedDict

from devstack.probes import Unhealthy
from devstack.process import Plan
from devstack.site import CHECKOUT, Site

LIBRARIES = (
    "aiohttp.web",
    "alembic.command",
    "argon2",
    "asyncpg",
    "boto3",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "eth_account",
    "fastapi",
    "httptools",
    "httpx",
    "msgspec",
    "opensearchpy",
    "prometheus_client",
    "pydantic_settings",
    "sortedcontainers",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "temporalio.contrib.pydantic",
    "temporalio.worker",
    "temporalio.worker.workflow_sandbox",
    "uvicorn",
    "uvloop",
    "valkey.asyncio",
    "web3",
    "websockets",
)
COMMAND_LINE_ROOM = "." * 80
"""Given to the nursery as an argument; a child writes its own command line over it."""
ASK_SECONDS = 5.0


class Birth(TypedDict):
    """What a child is to become."""

    module: str
    environment: dict[str, str]
    directory: str
    log: str


def socket_path(site: Site) -> Path:
    return site.directory("nursery") / "socket"


def fork(site: Site, plan: Plan, log: Path) -> int:
    """Have the nursery start `python -m MODULE`. Raises `Unhealthy` when there is no nursery."""
    birth = Birth(
        module=plan.argv[2],
        environment=dict(plan.environment),
        directory=str(plan.directory),
        log=str(log),
    )
    return _ask(site, birth)["pid"]


def probe(site: Site) -> None:
    _ask(site, None)


def _ask(site: Site, birth: Birth | None) -> dict[str, int]:
    try:
        with socket.socket(socket.AF_UNIX) as connection, _short(socket_path(site)) as address:
            connection.settimeout(ASK_SECONDS)
            connection.connect(address)
            connection.sendall(json.dumps(birth).encode() + b"\n")
            return dict(json.loads(connection.makefile().readline()))
    except (OSError, ValueError) as problem:
        raise Unhealthy(f"the nursery does not answer: {problem}") from problem


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A socket's path may have 107 bytes; a folder named by a descriptor needs few."""
    descriptor = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def _become(birth: Birth) -> None:
    """In the child: turn into `python -m MODULE` with its own session, log, variables, name."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(birth["environment"])
    time.tzset()
    tempfile.tempdir = None  # Looked up anew, in the variables of now.
    os.chdir(birth["directory"])
    log = os.open(birth["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    _rename(birth["module"])
    sys.argv = [birth["module"]]
    gc.enable()
    runpy.run_module(birth["module"], run_name="__main__", alter_sys=True)


def _rename(module: str) -> None:
    """Show the module in `ps`, as if the process had been started by itself."""
    words = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(words[45]), int(words[46])  # Fields 48 and 49: the memory of the arguments.
    line = b"\0".join([sys.executable.encode(), b"-m", module.encode()])
    ctypes.memmove(start, line[: end - start].ljust(end - start, b"\0"), end - start)
    name = module.rpartition(".")[2] if not module.endswith(".main") else module.split(".")[-2]
    ctypes.CDLL(None).prctl(15, name.encode()[:15])  # 15 is PR_SET_NAME.


def _serve(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        # Whoever asked may be gone; that is no reason for the nursery to go too.
        with connection, suppress(OSError, ValueError):
            connection.settimeout(ASK_SECONDS)
            birth: Birth | None = json.loads(connection.makefile().readline())
            answer = {}
            if birth is not None:
                answer["pid"] = os.fork()
                if answer["pid"] == 0:
                    server.close()
                    connection.close()
                    _live(birth)
            connection.sendall(json.dumps(answer).encode() + b"\n")


def _live(birth: Birth) -> NoReturn:
    """The whole life of a child, which never returns into the nursery."""
    status = 1
    try:
        _become(birth)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what the interpreter itself would do with it
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _bury(_number: int, _frame: FrameType | None) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main() -> None:
    sys.path.insert(0, str(CHECKOUT))
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.disable()
    gc.freeze()  # So that the collector of a child does not touch, and so copy, these pages.
    signal.signal(signal.SIGCHLD, _bury)
    path = socket_path(Site.load(os.environ))
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        with _short(path) as address:
            server.bind(address)
        server.listen(64)
        print("ready", flush=True)
        _serve(server)


if __name__ == "__main__":
    main()
