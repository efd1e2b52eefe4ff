"""What the portal changes in passing: identities into requests, roles into settings and pages."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

from compliance.staff import Role
from domain.errors import InvalidInput
from workflows.staff import STAFF_HEADER

SEED_TAG = b'<head><script src="/staff/portal.js"></script>'
"""Before the page's own content policy, which would forbid it."""

_ALL_OFF = {
    "WorkflowTerminateDisabled": True,
    "WorkflowCancelDisabled": True,
    "WorkflowSignalDisabled": True,
    "WorkflowUpdateDisabled": True,
    "WorkflowResetDisabled": True,
    "WorkflowPauseDisabled": True,
    "BatchActionsDisabled": True,
    "StartWorkflowDisabled": True,
    "ActivityCommandsDisabled": True,
}
_ALLOWED: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(),
    Role.COMPLIANCE: frozenset({"WorkflowUpdateDisabled"}),
    Role.SENIOR_COMPLIANCE: frozenset({"WorkflowUpdateDisabled"}),
    Role.OPERATIONS: frozenset({"WorkflowUpdateDisabled", "ActivityCommandsDisabled"}),
    Role.ENGINEER: frozenset(
        {
            "WorkflowUpdateDisabled",
            "ActivityCommandsDisabled",
            "WorkflowCancelDisabled",
            "WorkflowTerminateDisabled",
            "WorkflowResetDisabled",
            "WorkflowPauseDisabled",
        }
    ),
}


def settings_for(role: Role, settings: bytes, codec_url: str, namespace: str) -> bytes:
    """The UI's own settings, with what the role may not do greyed out, and our codec server."""
    changed = json.loads(settings)
    changed.update({flag: flag not in _ALLOWED[role] for flag in _ALL_OFF})
    changed["DefaultNamespace"] = namespace
    changed["DisableWriteActions"] = role is Role.VIEWER
    changed["Codec"] = {
        **changed.get("Codec", {}),
        "Endpoint": codec_url,
        "IncludeCredentials": True,
        "PassAccessToken": False,
    }
    return json.dumps(changed).encode()


def page_with_seed(page: bytes) -> bytes:
    return page.replace(b"<head>", SEED_TAG, 1)


def update_request(body: bytes, name: str, officer: str) -> tuple[dict[str, Any], str]:
    """The request cleaned of identities and headers the client claims; and its update id.

    Raises InvalidInput for what is not an update request.
    """
    try:
        request = json.loads(body)
        update = request["request"]
        meta, given = update.setdefault("meta", {}), update["input"]
    except (ValueError, TypeError, KeyError) as fault:
        raise InvalidInput("not an update request") from fault
    if not all(isinstance(part, dict) for part in (request, update, meta, given)):
        raise InvalidInput("not an update request")
    update_id = str(meta.pop("update_id", "") or meta.get("updateId", "") or uuid.uuid4())
    meta.update({"updateId": update_id, "identity": f"staff:{officer}"})
    given["name"] = name
    given["header"] = {}
    for target in ("workflowExecution", "workflow_execution", "namespace"):
        request.pop(target, None)  # The path, which was checked, says these.
    return request, update_id


def put_token(request: dict[str, Any], token: str) -> bytes:
    payload = {
        "metadata": {"encoding": _base64("json/plain")},
        "data": _base64(json.dumps(token)),
    }
    request["request"]["input"]["header"] = {"fields": {STAFF_HEADER: payload}}
    return json.dumps(request).encode()


def put_identity(body: bytes, officer: str) -> bytes:
    """For the other commands, which carry the identity at the top."""
    try:
        request = json.loads(body or b"{}")
    except ValueError as fault:
        raise InvalidInput("not a request of the Temporal UI") from fault
    if not isinstance(request, dict):
        raise InvalidInput("not a request of the Temporal UI")
    request["identity"] = f"staff:{officer}"
    return json.dumps(request).encode()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
