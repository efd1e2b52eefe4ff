"""Second factors: TOTP secrets (sealed), recovery codes (hashed), passkeys and their challenges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import WrongState
from domain.ids import CustomerId
from storage.address_book import hold_for_security
from storage.tables_customers import challenges, passkeys, recovery_codes, totp_secrets


@dataclass(frozen=True, slots=True)
class Totp:
    secret_sealed: bytes
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Passkey:
    credential_id: bytes
    customer_id: CustomerId
    public_key: bytes
    """COSE."""
    sign_count: int
    label: str
    created_at: datetime
    last_used_at: datetime | None


class SecondFactors:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def totp(self, customer_id: CustomerId) -> Totp | None:
        statement = select(totp_secrets).where(totp_secrets.c.customer_id == customer_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Totp(row.secret_sealed, row.confirmed_at is not None)

    async def start_totp(self, customer_id: CustomerId, secret_sealed: bytes) -> None:
        """Store a secret to be confirmed. Raises WrongState when one is in use already."""
        statement = (
            postgres_insert(totp_secrets)
            .values(customer_id=customer_id, secret_sealed=secret_sealed)
            .on_conflict_do_update(
                index_elements=["customer_id"],
                set_={"secret_sealed": secret_sealed, "last_step": 0, "created_at": func.now()},
                where=totp_secrets.c.confirmed_at.is_(None),
            )
            .returning(totp_secrets.c.customer_id)
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(statement)).one_or_none() is None:
                raise WrongState("an authenticator app is already set up; remove it first")

    async def confirm_totp(self, customer_id: CustomerId, code_hashes: Sequence[bytes]) -> None:
        """The first right code was given: the secret counts, with fresh recovery codes."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(totp_secrets)
                .where(totp_secrets.c.customer_id == customer_id)
                .values(confirmed_at=func.now())
            )
            await connection.execute(
                delete(recovery_codes).where(recovery_codes.c.customer_id == customer_id)
            )
            await connection.execute(
                insert(recovery_codes),
                [{"customer_id": customer_id, "code_hash": each} for each in code_hashes],
            )

    async def take_totp_step(self, customer_id: CustomerId, step: int) -> bool:
        """Whether `step` is newer than every code used before; from now on it is used."""
        statement = (
            update(totp_secrets)
            .where(totp_secrets.c.customer_id == customer_id, totp_secrets.c.last_step < step)
            .values(last_step=step)
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def take_recovery_code(self, customer_id: CustomerId, code_hash: bytes) -> bool:
        statement = (
            update(recovery_codes)
            .where(
                recovery_codes.c.customer_id == customer_id,
                recovery_codes.c.code_hash == code_hash,
                recovery_codes.c.used_at.is_(None),
            )
            .values(used_at=func.now())
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def remove_totp(self, customer_id: CustomerId) -> None:
        async with self._engine.begin() as connection:
            for table in (recovery_codes, totp_secrets):
                await connection.execute(delete(table).where(table.c.customer_id == customer_id))
            await hold_for_security(connection, customer_id, "the authenticator app was removed")

    async def add_passkey(
        self,
        *,
        credential_id: bytes,
        customer_id: CustomerId,
        public_key: bytes,
        sign_count: int,
        label: str,
    ) -> None:
        """Raises WrongState when it is registered already, with anybody."""
        statement = postgres_insert(passkeys).values(
            credential_id=credential_id,
            customer_id=customer_id,
            public_key=public_key,
            sign_count=sign_count,
            label=label,
        )
        async with self._engine.begin() as connection:
            made = await connection.execute(statement.on_conflict_do_nothing())
            if made.rowcount == 0:
                raise WrongState("this passkey is registered already")

    async def passkeys_of(self, customer_id: CustomerId) -> list[Passkey]:
        statement = (
            select(passkeys)
            .where(passkeys.c.customer_id == customer_id)
            .order_by(passkeys.c.created_at)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [Passkey(**row) for row in rows.mappings()]

    async def passkey(self, credential_id: bytes) -> Passkey | None:
        statement = select(passkeys).where(passkeys.c.credential_id == credential_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else Passkey(**row)

    async def use_passkey(self, credential_id: bytes, sign_count: int) -> bool:
        """Store the counter of a use. False when it did not grow: the key may be a copy."""
        row = passkeys.c
        statement = (
            update(passkeys)
            .where(
                row.credential_id == credential_id,
                or_(row.sign_count < sign_count, (row.sign_count == 0) & (sign_count == 0)),
            )
            .values(sign_count=sign_count, last_used_at=func.now())
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def remove_passkey(self, customer_id: CustomerId, credential_id: bytes) -> bool:
        statement = delete(passkeys).where(
            passkeys.c.customer_id == customer_id, passkeys.c.credential_id == credential_id
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await hold_for_security(connection, customer_id, "a passkey was removed")
        return True

    async def put_challenge(
        self, digest: bytes, *, customer_id: CustomerId | None, purpose: str, lifetime: timedelta
    ) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(delete(challenges).where(challenges.c.expires_at < func.now()))
            await connection.execute(
                insert(challenges).values(
                    challenge_hash=digest,
                    customer_id=customer_id,
                    purpose=purpose,
                    expires_at=func.now() + lifetime,
                )
            )

    async def take_challenge(
        self, digest: bytes, *, customer_id: CustomerId | None, purpose: str
    ) -> bool:
        """Whether we gave this challenge for this purpose; it works once."""
        statement = delete(challenges).where(
            challenges.c.challenge_hash == digest,
            challenges.c.customer_id.is_not_distinct_from(customer_id),
            challenges.c.purpose == purpose,
            challenges.c.expires_at > func.now(),
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1
