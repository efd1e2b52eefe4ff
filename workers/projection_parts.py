"""Builds the data processor's parts, for its process, its Lambda and its commands alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.projecting.dead_letters import DeadLetters
from activities.projecting.projector import Projector
from activities.projecting.store import Store
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.dynamo import Dynamo
from storage.generations import LivingGenerations
from storage.search_client import connect
from storage.search_index import SearchIndex
from streams.aws import client


class ProjectionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str | None = None
    """Not needed by the Lambda: it is given the listings through DynamoDB."""
    opensearch_url: str
    table_prefix: str = "rialto-"
    dead_letter_queue: str = "rialto-events-dead"
    search_shards: int = 1
    search_replicas: int = 0
    follows_streams: bool = True
    """False where the Lambda follows them: the process then relays and keeps the search index."""
    stream_idle_seconds: float = 0.2
    relay_seconds: float = 0.2
    """Between two looks at what Postgres has for the projections."""
    search_trade_months: int = 12
    """Older trades leave the search index; their tape in DynamoDB stays."""
    health_port: int | None = None
    metrics_port: int | None = None


@dataclass(frozen=True)
class Parts:
    settings: ProjectionSettings
    dynamo: Dynamo
    """Of generation 1, for tables that have no generations."""
    stores: LivingStores
    dead_letters: DeadLetters
    listings: Callable[[], Listings]

    def projector(self) -> Projector:
        """One for each thread."""
        return Projector(self.stores, self.listings, self.dead_letters)


def build(
    settings: ProjectionSettings,
    listings: Listings | None = None,
    clients: Callable[[Any], Any] = client,
) -> Parts:
    """`listings` when the caller could read them; otherwise they are read from DynamoDB.

    `clients` makes an AWS client from a service's name.
    """
    dynamo = Dynamo(clients("dynamodb"), settings.table_prefix)
    search = SearchIndex(
        connect(settings.opensearch_url),
        settings.table_prefix,
        shards=settings.search_shards,
        replicas=settings.search_replicas,
    )
    return Parts(
        settings,
        dynamo,
        LivingStores(dynamo, search),
        DeadLetters(clients("sqs"), settings.dead_letter_queue),
        (lambda: listings) if listings is not None else KeptListings(dynamo),
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class LivingStores:
    """The stores of the living generations, the serving one first."""

    def __init__(self, dynamo: Dynamo, search: SearchIndex) -> None:
        self._generations = LivingGenerations(dynamo)
        self._search = search
        self._made: dict[int, Store] = {}

    def __call__(self) -> list[Store]:
        return [self.of(generation) for generation in self._generations.now().alive]

    def of(self, generation: int) -> Store:
        """Also of one that does not live yet."""
        if generation not in self._made:
            self._made[generation] = Store(
                self._generations.of(generation), self._search.of_generation(generation), now_ms
            )
        return self._made[generation]


class KeptListings:
    """What the process with a database kept in DynamoDB; read once."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._dynamo = dynamo
        self._listings: Listings | None = None

    def __call__(self) -> Listings:
        if self._listings is None:
            body = checkpoints.read_listings(self._dynamo)
            if body is None:
                raise ListingsMissing("no assets and markets in DynamoDB yet")
            self._listings = Listings.from_json(body)
        return self._listings


class ListingsMissing(Exception):
    """Nobody with a database has run yet. The batch comes again."""
