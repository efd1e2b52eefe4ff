"""Who of the staff may do what. The portal shows and forwards by this table; workers enforce it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    """Reads everything but payloads' personal data; changes nothing."""
    COMPLIANCE = "compliance"
    SENIOR_COMPLIANCE = "senior_compliance"
    OPERATIONS = "operations"
    ENGINEER = "engineer"
    """Repairs workflows; takes no compliance decision."""


_OFFICERS = frozenset({Role.COMPLIANCE, Role.SENIOR_COMPLIANCE})
_SENIOR = frozenset({Role.SENIOR_COMPLIANCE})
_OPERATIONS = frozenset({Role.OPERATIONS, Role.ENGINEER})
_ANY_STAFF = _OFFICERS | _OPERATIONS

_MONEY = frozenset({"deposit", "withdrawal", "settlement", "sweep", "reconciliation", "treasury"})


def may_read(role: Role, kind: str) -> bool:
    """Whether payloads of this kind of workflow are opened for the role.

    Officers read all. Those who repair money flows read amounts and addresses there, but no one's
    name; a kind that is not known to be free of personal data is for officers only.
    """
    return role in _OFFICERS or (role in _OPERATIONS and kind in _MONEY)


PERMISSIONS: Mapping[str, Mapping[str, frozenset[Role]]] = {
    "kyc": {
        "approve": _OFFICERS,
        "reject": _OFFICERS,
        "request_info": _OFFICERS,
        "escalate": _OFFICERS,
        "freeze": _OFFICERS,
        "unfreeze": _SENIOR,
        "add_note": _ANY_STAFF,
    },
    "case": {
        "close": _OFFICERS,
        "escalate": _OFFICERS,
        "freeze": _OFFICERS,
        "add_note": _ANY_STAFF,
    },
    "withdrawal": {
        "approve": _OFFICERS,
        "reject": _OFFICERS,
        "bump_fee": _OPERATIONS,
        "rebroadcast": _OPERATIONS,
        "mark_replaced_by": _OPERATIONS,
        "cancel": _OPERATIONS,
    },
    "deposit": {
        "clear": _OFFICERS,
        "suspend": _OFFICERS,
        "mark_returned": _SENIOR,
    },
    "settlement": {
        "retry": _OPERATIONS,
    },
    "payment": {
        "bump_fee": _OPERATIONS,
        "rebroadcast": _OPERATIONS,
    },
    "break": {
        "clear": _OPERATIONS,
        "escalate": _OPERATIONS,
    },
}
"""First part of the workflow id -> staff update -> roles that may send it. All else is refused."""


def kind_of(workflow_id: str) -> str:
    """`withdrawal` of `withdrawal/0b5c...`."""
    return workflow_id.partition("/")[0]


def is_staff_update(workflow_id: str, update: str) -> bool:
    return update in PERMISSIONS.get(kind_of(workflow_id), {})


def may(role: Role, workflow_id: str, update: str) -> bool:
    return role in PERMISSIONS.get(kind_of(workflow_id), {}).get(update, frozenset())


def roles_for(workflow_id: str, update: str) -> list[str]:
    """For the sentence of a refusal, in a stable order."""
    return sorted(PERMISSIONS.get(kind_of(workflow_id), {}).get(update, frozenset()))
