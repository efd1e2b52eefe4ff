"""Tests that meet real workflows can write their histories down: RIALTO_RECORD_HISTORIES=1."""

from __future__ import annotations

import os
from pathlib import Path

from temporalio.client import Client

from cli.histories import WORKFLOW_TYPES
from streams.histories import record, write

FOLDER = Path(__file__).parent


async def record_when_asked(client: Client) -> None:
    if os.environ.get("RIALTO_RECORD_HISTORIES"):
        write(FOLDER, await record(client, workflow_types=WORKFLOW_TYPES))
