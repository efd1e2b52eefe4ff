"""Which journal a directory holds: an id that it gets once, and that the lease remembers.

Whoever wrote last wrote one journal. Another one, empty or an older copy, lacks what was matched
since, and its writer would begin again where the exchange was long ago. So the lease is given to
nobody who has not the journal that was written last, until a human says that this one goes on.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

NAME = "journal.id"


def identity(directory: Path) -> str:
    """The directory's id, which it gets now if it has none; of several that ask, one makes it."""
    path = directory / NAME
    if not path.exists():
        mine = directory / f"{NAME}.{uuid.uuid4().hex}"
        with mine.open("w", encoding="ascii") as file:
            file.write(uuid.uuid4().hex)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(mine, path)  # Unlike a rename, it never replaces what another one made.
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        _sync(directory)
    return path.read_text(encoding="ascii")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
