"""Connects to the search server: OpenSearch Service by signed requests, any other without."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
from opensearchpy import (
    AIOHttpConnection,
    AsyncOpenSearch,
    AWSV4SignerAsyncAuth,
    OpenSearch,
    RequestsAWSV4SignerAuth,
    RequestsHttpConnection,
)

TIMEOUT_SECONDS = 10


def connect(url: str) -> OpenSearch:
    """Blocking. No retries: who writes decides what happens to documents meanwhile."""
    signing = _signing(url)
    auth = RequestsAWSV4SignerAuth(*signing) if signing else None
    return OpenSearch(
        url,
        http_auth=auth,
        connection_class=RequestsHttpConnection,
        timeout=TIMEOUT_SECONDS,
        max_retries=0,
        pool_maxsize=8,
    )


def connect_async(url: str) -> AsyncOpenSearch:
    """For the API, which only reads: one retry."""
    signing = _signing(url)
    auth = AWSV4SignerAsyncAuth(*signing) if signing else None
    return AsyncOpenSearch(
        url,
        http_auth=auth,
        connection_class=AIOHttpConnection,
        timeout=TIMEOUT_SECONDS,
        max_retries=1,
    )


def _signing(url: str) -> tuple[Any, str, str] | None:
    """Credentials, region and service of an OpenSearch Service endpoint."""
    host = urlsplit(url).hostname or ""
    if not host.endswith(".es.amazonaws.com"):
        return None
    session = boto3.Session()
    region = host.split(".")[-4]
    return session.get_credentials(), region, "es"
