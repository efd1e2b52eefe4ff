"""How the compiled core holds whole numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

Boxed: TypeAlias = Any
"""A whole number that is passed on, looked up and compared, but not computed with. The compiled
core keeps the object it came as; an `int` it would unpack, to make a new object for each event.
"""
