"""The running exchange, as the commands that look at it need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import asyncpg

from devstack import environment
from devstack.site import Site


@dataclass(frozen=True)
class Running:
    """Addresses and logins of the exchange that `rialto up` started here."""

    variables: Mapping[str, str]
    site: Site

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Variables set in the environment win, so that one may look at an exchange elsewhere."""
        site = Site.load(environ)
        known = environment.all_variables(site)
        return cls({**known, **{key: environ[key] for key in known if key in environ}}, site)

    @property
    def api_url(self) -> str:
        return self.variables["RIALTO_API_URL"]

    @property
    def staff_url(self) -> str:
        return self.variables["RIALTO_STAFF_URL"]

    @property
    def database_url(self) -> str:
        return self.variables["RIALTO_DATABASE_URL"]

    @property
    def bitcoin_rpc_url(self) -> str:
        return self.variables["RIALTO_BITCOIN_RPC_URL"]

    @property
    def ethereum_rpc_url(self) -> str:
        return self.variables["RIALTO_ETHEREUM_RPC_URL"]

    async def token_contract(self, asset: str) -> str:
        """Where the token lives on the development chain; known once `rialto up` seeded it."""
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        try:
            found = await connection.fetchval("SELECT contract FROM assets WHERE code = $1", asset)
        finally:
            await connection.close()
        if found is None:
            raise SystemExit(f"no contract is known for {asset}; run `rialto up` first")
        return str(found)
