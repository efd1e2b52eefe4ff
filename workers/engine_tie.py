"""Compares engine and ledger once, and prints what differs as JSON; then it is done.

A process of its own, as replaying a journal would hold up whoever has other work. The shipper
starts it for the activity that reconciliation asks for.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.engine_tie import EngineDifference, engine_differences
from storage.engine import create_engine
from streams.logs import configure_logging

_DIFFERENCES = TypeAdapter(list[EngineDifference])


class EngineTieSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    journal_dir: Path


async def compare_elsewhere() -> list[EngineDifference]:
    """Run this module as a process, with our environment, and read what it found."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.engine_tie", stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    if process.returncode:
        raise RuntimeError(f"comparing engine and ledger ended with {process.returncode}")
    return _DIFFERENCES.validate_json(output)


async def compare() -> list[EngineDifference]:
    settings = EngineTieSettings()
    database = create_engine(settings.database_url, application="engine-tie", pool_size=1)
    try:
        return await engine_differences(database, settings.journal_dir)
    finally:
        await database.dispose()


def main() -> None:
    configure_logging("engine_tie")
    sys.stdout.buffer.write(_DIFFERENCES.dump_json(asyncio.run(compare())))


if __name__ == "__main__":
    main()
