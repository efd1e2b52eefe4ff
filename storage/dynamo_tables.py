"""DynamoDB tables of the projections: names, keys, indexes, expiry. docs/projections.md tells why.

Everything here can be rebuilt from Postgres, the engine's journal and the nodes. Every table has a
text partition key `pk` and, but for leases, a text sort key `sk`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PREFIX_DEFAULT = "rialto-"
EXPIRY_ATTRIBUTE = "expires_at"
"""Unix seconds after which DynamoDB may drop the item, where the table has expiry on."""


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. Items without its partition key are not in it."""

    name: str
    pk: str
    sk: str


BY_CUSTOMER = Index("by_customer", "customer_pk", "customer_sk")
BY_BLOCK = Index("by_block", "block_pk", "block_sk")
BY_ADDRESS = Index("by_address", "address_pk", "address_sk")


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its full name is prefix + name + generation."""

    name: str
    has_sort_key: bool = True
    indexes: tuple[Index, ...] = ()
    has_expiry: bool = False
    is_projection: bool = True
    """A rebuild makes it anew under the next generation's name."""

    def full_name(self, prefix: str, generation: int = 1) -> str:
        suffix = f"-g{generation}" if self.is_projection and generation > 1 else ""
        return f"{prefix}{self.name}{suffix}"


TRADES = Table("trades")
ORDERS = Table("orders", indexes=(BY_CUSTOMER,))
CHAIN = Table("chain", indexes=(BY_CUSTOMER, BY_BLOCK, BY_ADDRESS))
"""Chain transactions, blocks, deposits and withdrawals."""
CANDLES = Table("candles", has_expiry=True)
CHECKPOINTS = Table("checkpoints", has_expiry=True, is_projection=False)
"""How far each shard was read, what is not yet in the search index, which generation serves."""
LEASES = Table("leases", has_sort_key=False, is_projection=False)
"""Who may write a market group: one item per group, `pk` = its name. Written by the engine."""

TABLES = (TRADES, ORDERS, CHAIN, CANDLES, CHECKPOINTS, LEASES)
PROJECTIONS = tuple(table for table in TABLES if table.is_projection)


def create_table(dynamodb: DynamoDBClient, table: Table, prefix: str, generation: int = 1) -> bool:
    """Make the table unless it exists; returns whether it was made. Waits until it is active."""
    name = table.full_name(prefix, generation)
    made = _create(lambda: dynamodb.create_table(**_definition(table, name)))
    dynamodb.get_waiter("table_exists").wait(
        TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    if table.has_expiry:
        _enable_expiry(dynamodb, name)
    return made


def drop_tables(dynamodb: DynamoDBClient, prefix: str, generation: int) -> None:
    """Remove one generation of the projections; tables that are gone already are fine."""
    for table in PROJECTIONS:
        try:
            dynamodb.delete_table(TableName=table.full_name(prefix, generation))
        except dynamodb.exceptions.ResourceNotFoundException:
            continue


def _create(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
        return False
    return True


def _enable_expiry(dynamodb: DynamoDBClient, name: str) -> None:
    description = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if description.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}:
        return
    dynamodb.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY_ATTRIBUTE},
    )


def _definition(table: Table, name: str) -> dict[str, Any]:
    attributes = {"pk"} | ({"sk"} if table.has_sort_key else set())
    for index in table.indexes:
        attributes |= {index.pk, index.sk}
    definition: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema("pk", "sk" if table.has_sort_key else None),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
    }
    if table.indexes:
        definition["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.pk, index.sk),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in table.indexes
        ]
    return definition


def _key_schema(pk: str, sk: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": pk, "KeyType": "HASH"}]
    if sk is not None:
        schema.append({"AttributeName": sk, "KeyType": "RANGE"})
    return schema
