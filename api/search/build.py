"""Builds search and explorer for the application that mounts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from api.search.desk import SearchDesk
from api.search.explorer import Explorer
from api.search.lag import ProjectionLag
from api.search.routes import Audit, SearchParts, ViewerOf
from api.search.viewer import Viewer
from projections.listings import Listings
from storage.catalog import Catalog
from storage.dynamo import Dynamo
from storage.generations import LivingGenerations
from storage.search_client import connect_async
from storage.tables_ledger import audit_log
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class StaffAudit:
    """Lines in the audit log: who looked at what. Without its line nobody sees an answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def looked(self, viewer: Viewer, path: str, query: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(audit_log).values(
                    actor=f"staff:{viewer.staff}",
                    action="staff.search",
                    subject=path[:500],
                    details={"query": query[:2000], "role": str(viewer.role)},
                )
            )


def build_search(
    *,
    opensearch_url: str,
    table_prefix: str,
    dynamodb: DynamoDBClient,
    catalog: Catalog,
    viewer_of: ViewerOf,
    audit: Audit,
) -> SearchParts:
    """Close `parts.desk` when the application stops."""
    dynamo = Dynamo(dynamodb, table_prefix)
    lag = ProjectionLag(dynamo, (CHAIN_EVENTS, MARKET_EVENTS))
    listings = Listings.of(catalog.assets.values(), catalog.markets.values())
    return SearchParts(
        SearchDesk(connect_async(opensearch_url), f"{table_prefix}search", lag),
        Explorer(LivingGenerations(dynamo).serving, listings, lag),
        viewer_of,
        audit,
    )
