"""Every recorded history still leads to the same commands: what runs survives an upgrade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError

from cli.histories import WORKFLOW_TYPES
from streams.histories import has_header, read
from streams.temporal import data_converter
from workers.staff_interceptor import StaffInterceptor
from workers.workflow_worker import MONEY_WORKFLOWS
from workflows.kyc import KycWorkflow
from workflows.staff import STAFF_HEADER
from workflows.webhook import WebhookWorkflow

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.json"))


def replayer(history: WorkflowHistory) -> Replayer:
    """As the workers run them. Histories from before the portal have no signed officers."""
    staff = [StaffInterceptor([])] if has_header(history, STAFF_HEADER) else []
    return Replayer(
        workflows=[*MONEY_WORKFLOWS, KycWorkflow, WebhookWorkflow],
        interceptors=staff,
        data_converter=data_converter(None),
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_all_modules()
        ),
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_a_recorded_history_is_replayed(path: Path):
    history = read(path)

    await replayer(history).replay_workflow(history)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_history_names_a_path_of_the_machine_it_was_recorded_on(path: Path):
    assert 'File \\"/' not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("workflow_type", WORKFLOW_TYPES)
def test_every_workflow_has_recorded_histories(workflow_type: str):
    assert [path for path in FILES if path.stem.startswith(f"{workflow_type}-")]


@pytest.mark.parametrize("workflow_type", WORKFLOW_TYPES)
async def test_a_history_of_another_code_is_recognised(workflow_type: str):
    """Else the replay would prove nothing."""
    paths = [path for path in FILES if path.stem.startswith(f"{workflow_type}-")]
    # Not one that asked the server for no activity, as a run that settled at once.
    content, scheduled = next(found for path in paths if (found := asked_of(path))[1])
    scheduled[0]["activityType"]["name"] = "an_activity_of_yesterday"
    history = WorkflowHistory.from_json(content["workflow_id"], content["history"])

    with pytest.raises(NondeterminismError):
        await replayer(history).replay_workflow(history)


def asked_of(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The recorded history, and the activities in it that the server was asked for."""
    content = json.loads(path.read_text())
    events = content["history"]["events"]
    key = "activityTaskScheduledEventAttributes"
    return content, [event[key] for event in events if key in event]
