"""Runs a file of SQL statements inside a migration.

Migrations say what they make in SQL of their own, never through the table objects of the code:
those describe the newest release, and a migration must make what its own release had.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

_SCRIPTS = Path(__file__).parent / "sql"


def run_script(name: str) -> None:
    """Run all statements of `sql/name`, in the migration's transaction.

    Goes to the driver itself, as prepared statements take one statement at a time.
    """
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    assert driver.is_in_transaction()
    await_only(driver.execute((_SCRIPTS / name).read_text()))


def drop_tables(names: Sequence[str]) -> None:
    """Drop the tables, newest first."""
    for name in reversed(names):
        op.execute(f"DROP TABLE {name}")
