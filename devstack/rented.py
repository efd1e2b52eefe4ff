"""A stack for one test session: on free ports, in a temporary folder, gone when it is."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

import asyncpg

from devstack import environment, postgres, whole
from devstack.part import Part
from devstack.parts import named, select
from devstack.ports import OFFSETS
from devstack.probes import port_is_free
from devstack.site import Site
from devstack.stack import Stack

T = TypeVar("T")
Migrate = Callable[[str], Coroutine[Any, Any, None]]


class Silent:
    """Progress that nobody watches."""

    def started(self, name: str) -> None:
        """Nothing to say."""

    def ready(self, name: str, seconds: float, note: str) -> None:
        """Nothing to say."""


@dataclass(frozen=True)
class Database:
    """One database, and how each role reaches it."""

    site: Site
    name: str

    def url(self, role: str = "rialto_owner") -> str:
        return environment.database_url(self.site, role, self.name)

    @property
    def owner(self) -> str:
        return self.url("rialto_owner")

    @property
    def api(self) -> str:
        return self.url("rialto_api")

    @property
    def worker(self) -> str:
        return self.url("rialto_worker")

    @property
    def signer(self) -> str:
        return self.url("rialto_signer")

    @property
    def webhooks(self) -> str:
        return self.url("rialto_webhooks")


class RentedStack:
    """Servers on demand: `require` starts what does not run yet."""

    def __init__(self, **settings: str) -> None:
        home = Path(tempfile.mkdtemp(prefix="rialto-test-"))
        chosen = {"RIALTO_ETHEREUM_BLOCKS": "auto", "RIALTO_DURABLE": "no", **settings}
        self.site = Site(home, _free_port_base(), {}, chosen)
        self._stack = Stack(self.site)
        self._ready: set[str] = set()
        self._template = ""

    @property
    def env(self) -> dict[str, str]:
        """The variables a process of this stack would get, all of them."""
        return environment.all_variables(self.site)

    def port(self, name: str) -> int:
        return self.site.port(name)

    def require(self, *names: str) -> None:
        """Have these parts running and healthy, with all they need."""
        missing = [name for name in names if name not in self._ready]
        if missing:
            parts, steps = select(missing)
            elsewhere(lambda: whole.up(self.site, parts, steps, Silent(), os.getpid()))
            self._ready.update(part.name for part in parts)

    def part(self, name: str) -> Part:
        return named(name)

    def kill(self, name: str) -> int:
        """End one part as kill -9 does; the supervisor starts it again. Returns the old pid."""
        return self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: int) -> int:
        """Send one part a signal; returns its pid."""
        running = self._stack.running(self.part(name))
        assert running is not None, f"{name} does not run"
        os.kill(running.pid, number)
        return running.pid

    def pid(self, name: str) -> int | None:
        running = self._stack.running(self.part(name))
        return running.pid if running else None

    def is_healthy(self, name: str) -> bool:
        return any(part.healthy for part in whole.status(self.site) if part.name == name)

    def close(self) -> None:
        whole.down(self.site)
        whole.erase(self.site)

    def new_database(self, migrate: Migrate) -> Database:
        """A fresh database with all tables, copied from one that was migrated once."""
        self.require("postgres")
        if not self._template:
            self._template = elsewhere(lambda: asyncio.run(self._make_template(migrate)))
        return self._fresh(self._template)

    def empty_database(self) -> Database:
        """A fresh database without a table."""
        self.require("postgres")
        return self._fresh("")

    def _fresh(self, template: str) -> Database:
        name = f"test_{secrets.token_hex(6)}"
        elsewhere(lambda: asyncio.run(self._create(name, template)))
        return Database(self.site, name)

    def drop_database(self, database: Database) -> None:
        elsewhere(lambda: asyncio.run(self._drop(database.name)))

    async def _make_template(self, migrate: Migrate) -> str:
        name = "migrated"
        await self._create(name, "")
        await migrate(Database(self.site, name).owner)
        return name

    async def _create(self, name: str, template: str) -> None:
        await postgres.create_database(self.site, name, template=template)

    async def _drop(self, name: str) -> None:
        connection = await asyncpg.connect(postgres.admin_url(self.site))
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()


def elsewhere(work: Callable[[], T]) -> T:
    """Run in a thread, as the caller's may have an event loop that must not be disturbed."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


def _free_port_base() -> int:
    """Below the range from which the kernel gives outgoing connections their ports."""
    random = SystemRandom()
    while True:
        base = random.randrange(10_000, 32_000, 100)
        if all(port_is_free(base + offset) for offset in OFFSETS.values()):
            return base
