"""Who can log in after `make up`. Their passwords are public: they exist on one machine only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from devstack.probes import http_json
from devstack.site import Site, write_private


@dataclass(frozen=True)
class Login:
    """One person of the local stack."""

    kind: str
    name: str
    password: str
    can: str
    totp_secret: str = ""
    """Of the second factor, if there is one; `rialto code NAME` shows the code of now."""


CUSTOMERS: Final = (
    Login("customer", "ada@example.com", "ada counts every satoshi", "an empty account"),
    Login("customer", "grace@example.com", "grace finds the real bug", "an empty account"),
)


def register_customers(site: Site) -> None:
    """Register them as anyone would, through the public API."""
    for login in CUSTOMERS:
        body = {"email": login.name, "password": login.password}
        http_json(site.port("api"), "/v1/registrations", method="POST", body=body)


def write_staff(site: Site, staff: Iterable[Login]) -> None:
    content = [asdict(login) for login in staff]
    write_private(site.home / "staff.json", json.dumps(content, indent=2))


def logins(site: Site) -> list[Login]:
    """Customers, then staff, as far as the stack was filled."""
    staff = site.home / "staff.json"
    known = json.loads(staff.read_text()) if staff.exists() else []
    return [*CUSTOMERS, *(Login(**each) for each in known)]
