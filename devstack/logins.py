"""The people of the local stack. Their passwords are public: they exist on one machine only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Login:
    """Someone who can log in after `make up`."""

    who: str
    name: str
    password: str
    can: str


LOGINS: Final[tuple[Login, ...]] = ()
