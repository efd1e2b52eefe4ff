"""Staff of the local stack. Passwords and second factors are public: for developers only."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

import pyotp

from api.exchange.passwords import Passwords
from api.staff.login import about_staff
from compliance.staff import Role
from storage.engine import create_engine
from storage.staff import StaffStore
from streams import aws
from streams.envelope import staff_envelope


@dataclass(frozen=True, slots=True)
class StaffMember:
    login: str
    role: Role
    password: str
    totp_secret: str
    """Base32, as authenticator apps take it."""
    can: str

    def code(self, at: float | None = None) -> str:
        """What their authenticator shows."""
        return pyotp.TOTP(self.totp_secret).at(int(time.time() if at is None else at))


STAFF = (
    StaffMember(
        "alice",
        Role.COMPLIANCE,
        "alice keeps the gate",
        "JBSWY3DPEHPK3PXPALICEKEEPSGATEAA",
        "decides KYC cases and reviews withdrawals",
    ),
    StaffMember(
        "amir",
        Role.COMPLIANCE,
        "amir looks twice too",
        "JBSWY3DPEHPK3PXPAMIRLOOKSTWICEAA",
        "the second pair of eyes",
    ),
    StaffMember(
        "sofia",
        Role.SENIOR_COMPLIANCE,
        "sofia has the last word",
        "JBSWY3DPEHPK3PXPSOFIALASTWORDAAA",
        "escalated cases, unfreezing",
    ),
    StaffMember(
        "oscar",
        Role.OPERATIONS,
        "oscar turns it on again",
        "JBSWY3DPEHPK3PXPOSCARTURNSITONAA",
        "retries stuck steps, bumps fees; decides nothing",
    ),
    StaffMember(
        "erin",
        Role.ENGINEER,
        "erin reads the history",
        "JBSWY3DPEHPK3PXPERINREADSHISTOAA",
        "cancels and resets workflows",
    ),
    StaffMember(
        "vera",
        Role.VIEWER,
        "vera only ever looks",
        "JBSWY3DPEHPK3PXPVERAONLYLOOKSAAA",
        "looks",
    ),
)
BY_LOGIN = {member.login: member for member in STAFF}


async def seed(database_url: str) -> None:
    """Make the logins that are missing; those that exist stay as they are."""
    engine = create_engine(database_url, pool_size=2, application="seed_staff")
    store, passwords, envelope = (
        StaffStore(engine),
        Passwords(),
        staff_envelope(aws.client("kms")),
    )
    for member in STAFF:
        if await store.find(member.login) is None:
            sealed = await envelope.seal_packed(
                member.totp_secret.encode(), about_staff(member.login)
            )
            password_hash = await passwords.hash(member.password)
            await store.put_user(member.login, member.role, password_hash, sealed)
    await engine.dispose()


def main() -> None:
    asyncio.run(seed(os.environ["RIALTO_DATABASE_URL"]))


if __name__ == "__main__":
    main()
