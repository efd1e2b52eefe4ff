"""The simulated vendor's checks in a file, so that it may be killed like everything else."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from devstack.kyc_vendor_scenarios import Scenario

_SCHEMA = """
CREATE TABLE IF NOT EXISTS checks (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, scenario TEXT NOT NULL,
    due_at REAL NOT NULL, told INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS scenarios (prefix TEXT PRIMARY KEY, scenario TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Check:
    id: str
    scenario: Scenario
    due_at: float


class VendorStore:
    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(_SCHEMA)

    def add(self, key: str, scenario: Scenario, due_at: float) -> Check:
        """The same key again is the same check."""
        self._database.execute(
            "INSERT INTO checks (id, key, scenario, due_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key) DO NOTHING",
            (f"chk_{secrets.token_hex(12)}", key, scenario, due_at),
        )
        return self._one("SELECT id, scenario, due_at FROM checks WHERE key = ?", key)

    def find(self, check_id: str) -> Check | None:
        found = self._all("SELECT id, scenario, due_at FROM checks WHERE id = ?", check_id)
        return found[0] if found else None

    def untold(self) -> list[Check]:
        """Checks whose webhook has not gone out; first those due first."""
        return self._all("SELECT id, scenario, due_at FROM checks WHERE told = 0 ORDER BY due_at")

    def told(self, check_id: str) -> None:
        self._database.execute("UPDATE checks SET told = 1 WHERE id = ?", (check_id,))

    def choose(self, prefix: str, scenario: Scenario) -> None:
        """Checks whose key starts with `prefix` play this scenario; an empty prefix means all."""
        self._database.execute(
            "INSERT INTO scenarios VALUES (?, ?) "
            "ON CONFLICT (prefix) DO UPDATE SET scenario = excluded.scenario",
            (prefix, scenario),
        )

    def chosen(self, key: str) -> Scenario | None:
        row = self._database.execute(
            "SELECT scenario FROM scenarios WHERE substr(?, 1, length(prefix)) = prefix "
            "ORDER BY length(prefix) DESC LIMIT 1",
            (key,),
        ).fetchone()
        return None if row is None else Scenario(row[0])

    def close(self) -> None:
        self._database.close()

    def _one(self, statement: str, *values: str) -> Check:
        return self._all(statement, *values)[0]

    def _all(self, statement: str, *values: str) -> list[Check]:
        rows = self._database.execute(statement, values).fetchall()
        return [Check(row[0], Scenario(row[1]), row[2]) for row in rows]
