"""The data processor as an AWS Lambda on both streams: the same function, one batch a call.

Lambda reads the shards, keeps the positions and repeats what failed. We answer how far we came, so
that only the rest of a batch comes again; an event that can never be applied is set aside as a dead
letter and counts as done. Of a batch that fails to the end, by a fault that is not its own, Lambda
writes the place to the dead letters; `rialto projections replay` brings either kind back.

What needs Postgres stays with the process `workers.data_processor`, of which one runs beside the
Lambda (`RIALTO_FOLLOWS_STREAMS=false`): the relays, and keeping the search index.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from storage.dynamo import Dynamo
from storage.dynamo_checkpoints import ShardPosition, write_position
from streams.logs import configure_logging
from workers.projection_parts import ProjectionSettings, build, now_ms

STEP_RECORDS = 100
"""Applied together; after a fault the records from the step's first on come again."""

Event = Mapping[str, Any]

logger = logging.getLogger(__name__)


def handler(event: Event, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Apply a batch of one shard; answers where the records begin that must come again."""
    dynamo, projector = _warm()
    return take(dynamo, projector, [_record(each) for each in event["Records"]])


def take(dynamo: Dynamo, projector: Projector, records: Sequence[StreamRecord]) -> dict[str, Any]:
    """Apply records of one shard in their order; the answer is Lambda's partial batch response."""
    for start in range(0, len(records), STEP_RECORDS):
        step = records[start : start + STEP_RECORDS]
        try:
            projector.apply(step)
            _keep(dynamo, step[-1])
        except Exception as error:  # A store or the queue is away: Lambda tries again.
            logger.warning("could not apply", exc_info=error, extra={"records": len(step)})
            return {"batchItemFailures": [{"itemIdentifier": step[0].sequence_number}]}
    return {"batchItemFailures": []}


@cache
def _warm() -> tuple[Dynamo, Projector]:
    """Kept while the Lambda's process lives; it takes one batch at a time."""
    configure_logging("data_processor", "INFO")
    parts = build(ProjectionSettings())
    return parts.dynamo, parts.projector()


def _keep(dynamo: Dynamo, last: StreamRecord) -> None:
    """For the lag that readers are shown. Lambda itself has the position it goes on from."""
    looked_at_ms = now_ms()
    write_position(
        dynamo,
        ShardPosition(
            last.stream,
            last.shard,
            last.sequence_number,
            is_finished=False,
            behind_ms=max(0, looked_at_ms - last.arrived_at_ms),
            looked_at_ms=looked_at_ms,
        ),
    )


def _record(each: Event) -> StreamRecord:
    kinesis = each["kinesis"]
    return StreamRecord(
        each["eventSourceARN"].rpartition("/")[2],
        each["eventID"].partition(":")[0],
        kinesis["sequenceNumber"],
        kinesis["partitionKey"],
        b64decode(kinesis["data"]),
        int(kinesis["approximateArrivalTimestamp"] * 1000),
    )
