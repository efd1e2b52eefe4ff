"""Runs a file of SQL statements inside a migration."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only


def run_script(path: Path) -> None:
    """Run all statements of the file, in the migration's transaction.

    Goes to the driver itself, as prepared statements take one statement at a time.
    """
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    assert driver.is_in_transaction()
    await_only(driver.execute(path.read_text()))
