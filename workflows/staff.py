"""What staff send to workflows. Officer and role are stamped by the worker from the signed header.

Fields are permissive on purpose: a wrong value must reach the validator, which answers with a
sentence; a failed decoding would only say that decoding failed.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from temporalio.exceptions import ApplicationError

REASON_LENGTH_MIN = 10
STAFF_HEADER = "x-staff"


class StaffAction(BaseModel):
    """The argument of every staff update. A client's `officer` and `role` are overwritten."""

    model_config = ConfigDict(extra="ignore")

    officer: str = ""
    role: str = ""
    reason: str = ""


class StaffAnswer(BaseModel):
    """What the UI shows after a staff update."""

    state: str
    message: str


def require_officer(action: StaffAction) -> None:
    """The signature was checked on the way in; this catches a worker run without that check."""
    if not action.officer:
        raise ApplicationError(
            "sign in through the staff portal to do this", type="NotAuthorized", non_retryable=True
        )


def require_reason(action: StaffAction) -> None:
    if len(action.reason.strip()) < REASON_LENGTH_MIN:
        raise ApplicationError(
            f'reason: say why in at least {REASON_LENGTH_MIN} characters, e.g. {{"reason": "..."}}',
            type="BadReason",
            non_retryable=True,
        )


def refuse(message: str, kind: str = "WrongState") -> ApplicationError:
    """A refusal for a validator to raise; the UI shows its message to the officer."""
    return ApplicationError(message, type=kind, non_retryable=True)
