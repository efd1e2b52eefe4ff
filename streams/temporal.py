"""The one way to reach Temporal: pydantic data converter, sealed payloads, patient connecting."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from streams import aws, tracing
from streams.payload_codec import kms_codec

logger = logging.getLogger(__name__)

RPC_TIMEOUT = timedelta(seconds=3)
"""Pass as `rpc_timeout` where a person waits: without it a call retries for about ten seconds."""

_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0)


class TemporalSettings(Protocol):
    """What a main's settings must offer to connect."""

    @property
    def temporal_address(self) -> str: ...
    @property
    def temporal_namespace(self) -> str: ...


def data_converter(codec: PayloadCodec | None) -> DataConverter:
    """Pydantic models and dataclasses as JSON, sealed by `codec`.

    Failure messages stay readable, as the UI shows them to staff: they must carry no personal data.
    """
    return dataclasses.replace(pydantic_data_converter, payload_codec=codec)


async def connect(
    settings: TemporalSettings,
    *,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    codec: PayloadCodec | None = None,
    lazy: bool = False,
) -> Client:
    """Connect, waiting as long as it takes for the server to be there.

    `lazy` connects with the first call instead: for a process that has work without Temporal.
    With `RIALTO_TEMPORAL_API_KEY`, as Temporal Cloud gives one, over TLS.
    Without `codec`, payloads are sealed under KMS (`alias/rialto-payloads`).
    """
    api_key = os.environ.get("RIALTO_TEMPORAL_API_KEY") or None
    converter = data_converter(codec or kms_codec(aws.client("kms"), settings.temporal_namespace))
    attempt = 0
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=converter,
                interceptors=[*tracing.temporal_interceptors(), *interceptors],
                runtime=runtime,
                lazy=lazy,
                api_key=api_key,
                tls=api_key is not None,
            )
        except (RuntimeError, RPCError) as fault:
            logger.warning(
                "temporal is not there yet",
                extra={"address": settings.temporal_address, "fault": str(fault)[:200]},
            )
        await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
        attempt += 1
