"""API keys: HMAC secrets are sealed, Ed25519 and RSA keys are the customer's public halves."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import UnknownApiKey
from domain.ids import CustomerId
from storage.customers import Customer, customer_of
from storage.engine import for_looking
from storage.paging import Place, below
from storage.tables_customers import api_keys, customers

_ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class NewApiKey:
    id: str
    label: str
    kind: str
    secret_sealed: bytes | None
    public_key: str | None
    scopes: frozenset[str]
    ip_allow_list: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    customer_id: CustomerId
    label: str
    kind: str
    """`hmac`, `ed25519` or `rsa`."""
    secret_sealed: bytes | None
    public_key: str | None
    scopes: frozenset[str]
    """Of `read`, `trade`, `withdraw`."""
    ip_allow_list: tuple[str, ...]
    """Networks in CIDR form; empty means anywhere."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiKeys:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looking = for_looking(engine)

    async def create(self, customer_id: CustomerId, key: NewApiKey) -> ApiKey:
        statement = (
            insert(api_keys)
            .values(
                id=key.id,
                customer_id=customer_id,
                label=key.label,
                kind=key.kind,
                secret_sealed=key.secret_sealed,
                public_key=key.public_key,
                scopes=sorted(key.scopes),
                ip_allow_list=list(key.ip_allow_list),
                expires_at=key.expires_at,
            )
            .returning(api_keys)
        )
        async with self._engine.begin() as connection:
            return _key_of((await connection.execute(statement)).mappings().one())

    async def find(self, key_id: str) -> tuple[ApiKey, Customer] | None:
        """The key and its owner; None when unknown, revoked or expired."""
        statement = select(api_keys).where(
            api_keys.c.id == key_id,
            api_keys.c.revoked_at.is_(None),
            or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now()),
        )
        async with self._looking.connect() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
            if row is None:
                return None
            owner = (
                (
                    await connection.execute(
                        select(customers).where(customers.c.id == row["customer_id"])
                    )
                )
                .mappings()
                .one()
            )
        return _key_of(row), customer_of(owner)

    async def of_customer(
        self, customer_id: CustomerId, *, before: Place | None, limit: int
    ) -> list[ApiKey]:
        """Without revoked ones, newest first."""
        statement = (
            select(api_keys)
            .where(api_keys.c.customer_id == customer_id, api_keys.c.revoked_at.is_(None))
            .order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(below(api_keys.c.created_at, api_keys.c.id, before))
        async with self._engine.connect() as connection:
            return [_key_of(row) for row in (await connection.execute(statement)).mappings()]

    async def revoke(self, customer_id: CustomerId, key_id: str) -> None:
        statement = (
            update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.customer_id == customer_id)
            .values(revoked_at=func.coalesce(api_keys.c.revoked_at, func.now()))
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise UnknownApiKey(f"there is no API key {key_id}")

    async def touch(self, key_id: str) -> None:
        """Note that the key was used; called at most once a minute and key."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=func.now())
            )


def new_key_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def new_secret() -> str:
    """64 letters and digits: 381 random bits, in the shape trading clients expect."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def _key_of(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        customer_id=CustomerId(row["customer_id"]),
        label=row["label"],
        kind=row["kind"],
        secret_sealed=row["secret_sealed"],
        public_key=row["public_key"],
        scopes=frozenset(row["scopes"]),
        ip_allow_list=tuple(row["ip_allow_list"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
