"""How a KYC case calls its activities: where, how long, how often again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy

COMPLIANCE_QUEUE = "compliance"

# Our database: short, and again until it is back.
STORE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(seconds=10)),
    "task_queue": COMPLIANCE_QUEUE,
}
# The vendor may be away for days; a quarter of an hour spares it and us when it comes back.
VENDOR: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=15)
    ),
    "task_queue": COMPLIANCE_QUEUE,
}
