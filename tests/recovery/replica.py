"""A second copy of a PostgreSQL: a base backup, and the log it received since."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import asyncpg

from devstack.part import plain_environment
from devstack.postgres import Installation, admin_url
from devstack.probes import port_is_free
from devstack.rented import Database, elsewhere
from devstack.site import Site
from tests.devstack.waiting import eventually

RECEIVER = "drill"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Replica:
    site: Site
    here: Installation

    @classmethod
    def of(cls, site: Site) -> Replica:
        return cls(site, Installation.of(site))

    @property
    def base(self) -> str:
        return str(self.here.data.parent / "restored")

    @property
    def log(self) -> str:
        return str(self.here.data.parent / "received")

    def run(self, program: str, *words: str) -> None:
        subprocess.run(self._argv(program, *words), check=True, capture_output=True, cwd="/")

    def take_base_backup(self) -> None:
        self.run("pg_basebackup", *self._source(), "-D", self.base, "-X", "none", "-c", "fast")

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Receive the log while it is written; commits wait until it is on disk here too."""
        self.here.own(self.here.data.parent / "received")
        slot = ("--slot", RECEIVER)
        self.run("pg_receivewal", *self._source(), *slot, "--create-slot", "--if-not-exists")
        receiver = subprocess.Popen(
            self._argv("pg_receivewal", *self._source(), *slot, "-D", self.log, "--synchronous"),
            cwd="/",
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            receiver.terminate()
            receiver.wait(30)

    @contextmanager
    def restored(self, database: Database) -> Iterator[Database]:
        """Play the received log onto the base backup, on a port of its own."""
        port = next(port for port in range(32_100, 32_700) if port_is_free(port))
        site = replace(self.site, port_overrides={"postgres": port})
        self._write_recovery()
        server = subprocess.Popen(
            self.here.as_user(
                self.here.binaries / "bin/postgres", "-D", self.base, *_settings(port)
            ),
            cwd="/",
            env=plain_environment(self.site, "postgres"),
            stderr=subprocess.DEVNULL,
        )
        try:
            assert eventually(lambda: _is_primary(site), within_seconds=_START_SECONDS)
            yield Database(site, database.name)
        finally:
            server.terminate()
            server.wait(30)
            shutil.rmtree(self.base)

    def _argv(self, program: str, *words: str) -> tuple[str, ...]:
        return self.here.as_user(self.here.binaries / "bin" / program, *words)

    def _source(self) -> tuple[str, ...]:
        address = f"host=127.0.0.1 port={self.site.port('postgres')} user=postgres"
        return ("-d", f"{address} application_name={RECEIVER}")

    def _write_recovery(self) -> None:
        """The newest file is still `.partial`: it was being received when the source died."""
        fetch = f"cp {self.log}/%f %p || cp {self.log}/%f.partial %p"
        settings = f"restore_command = '{fetch}'\nsynchronous_standby_names = ''\n"
        script = f'printf %s "{settings}" >> {self.base}/postgresql.auto.conf'
        subprocess.run(self.here.as_user("sh", "-c", script), check=True, cwd="/")
        subprocess.run(
            self.here.as_user("touch", f"{self.base}/recovery.signal"), check=True, cwd="/"
        )


def _settings(port: int) -> list[str]:
    chosen = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
    chosen |= {"max_connections": "300", "fsync": "off"}  # Not fewer than the source had.
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]


def _is_primary(site: Site) -> bool:
    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(admin_url(site), timeout=5)
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            return not await connection.fetchval("SELECT pg_is_in_recovery()")
        finally:
            await connection.close()

    return elsewhere(lambda: asyncio.run(ask()))
