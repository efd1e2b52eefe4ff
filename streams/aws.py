"""AWS clients: one per service and process, built once and shared between threads.

Endpoints, region and keys come from the standard AWS variables (`AWS_ENDPOINT_URL`, `AWS_REGION`,
`AWS_ENDPOINT_URL_SQS`, ...). With none of them set the same code talks to AWS. boto3 blocks: from
asyncio call it through `asyncio.to_thread`, and batch first, for one call costs about 1 ms of CPU.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

REGION_DEFAULT = "eu-central-1"
LONG_POLL_SECONDS_MAX = 20
"""SQS's own limit. A shorter read timeout would lose messages to their visibility timeout."""

POOL_CONNECTIONS = 32
"""Threads that may share one client without waiting for a connection."""

_TRANSIENT_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_building = threading.Lock()


@overload
def client(service: Literal["dynamodb"]) -> DynamoDBClient: ...
@overload
def client(service: Literal["kinesis"]) -> KinesisClient: ...
@overload
def client(service: Literal["kms"]) -> KMSClient: ...
@overload
def client(service: Literal["s3"]) -> S3Client: ...
@overload
def client(service: Literal["sqs"]) -> SQSClient: ...
@overload
def client(service: Literal["lambda", "secretsmanager"]) -> Any: ...
def client(service: str) -> Any:
    """The process's client of `service`. Building one takes about 35 ms; asking again is free."""
    with _building:  # boto3's default session must not be used by two threads while it builds.
        return _build(service)


def client_of(variables: Mapping[str, str], service: str) -> Any:
    """A client with the endpoint and keys of `variables`, whatever the process's own are.

    For commands that look at an exchange from outside: the environment may speak of another one.
    """
    shared = variables.get("AWS_ENDPOINT_URL")
    with _building:
        return boto3.client(  # type: ignore[call-overload]  # A name, not a literal.
            service,
            endpoint_url=variables.get(f"AWS_ENDPOINT_URL_{service.upper()}", shared),
            region_name=variables.get("AWS_REGION", REGION_DEFAULT),
            aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
            config=config(),
        )


@contextmanager
def pointed_at(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's clients are those of `variables` until the block ends: for tests and benches.

    What was built before is not asked again, nor are these afterwards: a client knows its endpoint.
    """
    before = _set_variables({key: variables[key] for key in variables if key.startswith("AWS_")})
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(wanted: Mapping[str, str]) -> dict[str, str]:
    """Make these the only AWS variables; answers those there were."""
    before = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    with _building:
        for key in before:
            del os.environ[key]
        os.environ.update(wanted)
        _build.cache_clear()
    return before


def config() -> Config:
    """Time-outs and retries of every client. Against a dead endpoint three attempts take 6 s."""
    return Config(
        retries={"mode": "standard", "max_attempts": 3},
        connect_timeout=2,
        read_timeout=LONG_POLL_SECONDS_MAX + 15,
        max_pool_connections=POOL_CONNECTIONS,
        tcp_keepalive=True,
    )


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later: unreachable, throttled, or a server's failure."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= 500 or error_code(error) in _TRANSIENT_CODES
    return isinstance(error, BotoCoreError | OSError)


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@cache
def _build(service: str) -> Any:
    settings = config()
    if service == "s3":
        settings = settings.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION_DEFAULT
    return boto3.client(service, region_name=region, config=settings)  # type: ignore[call-overload]  # A name, not a literal.
