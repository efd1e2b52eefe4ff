"""Which request of the Temporal UI asks for what, and whether a role may. Refuses by default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from compliance.staff import Role, may, roles_for
from domain.errors import PermissionMissing

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_REPAIRERS = frozenset({Role.OPERATIONS, Role.ENGINEER})
_ENGINEERS = frozenset({Role.ENGINEER})
_ANYBODY = frozenset(Role)


class Kind(StrEnum):
    READ = "read"
    QUERY = "query"
    UPDATE = "update"
    REPAIR = "repair"
    """Of activities: retry now, pause, other timeouts."""
    SCHEDULE = "schedule"
    CONTROL = "control"
    """Of workflows: cancel, terminate, reset, pause."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request wants."""

    kind: Kind
    workflow_id: str = ""
    update: str = ""
    action: str = ""
    """For the audit log."""


_BASE = ("api", "v1", "namespaces")
_REPAIRS = re.compile(r"(pause|unpause|reset|update-options)(-by-type|-by-id)?")
_CONTROLS = frozenset({"cancel", "terminate", "reset", "pause", "unpause"})
_SCHEDULE_CHANGES = frozenset({"patch", "update", "trigger", "pause", "unpause"})


def wish_of(method: str, raw_path: str, namespace: str) -> Wish:
    """Raises PermissionMissing for anything that is not known to be harmless or allowed."""
    segments = _segments(raw_path)
    if method in READ_METHODS:
        return _reading(segments, namespace)
    if method == "POST" and tuple(segments[:3]) == _BASE and segments[3:4] == [namespace]:
        wish = _writing(segments[4:])
        if wish is not None:
            return wish
    raise PermissionMissing("the staff portal does not pass this on")


def refuse_unless_allowed(role: Role, wish: Wish) -> None:
    """Raises PermissionMissing with a sentence for the person."""
    if wish.kind is Kind.UPDATE:
        if may(role, wish.workflow_id, wish.update):
            return
        allowed = roles_for(wish.workflow_id, wish.update)
        if not allowed:
            raise PermissionMissing(f"nobody may send {wish.update} to {wish.workflow_id}")
        names = " or ".join(allowed).replace("_", " ")
        raise PermissionMissing(f"{wish.update} is for {names}; you are {_name(role)}")
    roles = {
        Kind.READ: _ANYBODY,
        Kind.QUERY: _ANYBODY,
        Kind.REPAIR: _REPAIRERS,
        Kind.SCHEDULE: _REPAIRERS,
        Kind.CONTROL: _ENGINEERS,
    }[wish.kind]
    if role not in roles:
        names = " or ".join(sorted(roles)).replace("_", " ")
        raise PermissionMissing(f"{wish.action} is for {names}; you are {_name(role)}")


def _segments(raw_path: str) -> list[str]:
    """Decoded once, as Temporal does. Raises PermissionMissing for paths that could mislead."""
    parts = raw_path.removeprefix("/").split("/")
    segments = [unquote(part) for part in parts]
    if any(part in {"", ".", ".."} for part in segments[:-1]) or "\\" in raw_path:
        raise PermissionMissing("this path is not one of the Temporal UI")
    if any(mark in segment for segment in segments for mark in ("\x00", "\r", "\n", "?", "#")):
        raise PermissionMissing("this path is not one of the Temporal UI")
    return segments


def _reading(segments: Sequence[str], namespace: str) -> Wish:
    """Pages and scripts for all; of the API only our namespace."""
    if tuple(segments[:3]) == _BASE and len(segments) > 3 and segments[3] != namespace:
        raise PermissionMissing("this namespace is not ours")
    return Wish(Kind.READ)


def _writing(rest: Sequence[str]) -> Wish | None:
    """What follows the namespace: `workflows/{id}/update/{name}` and the like."""
    match rest:
        case ["workflows", workflow_id, "update", name]:
            return Wish(Kind.UPDATE, workflow_id, name, action=f"staff.update.{name}")
        case ["workflows", workflow_id, "query", _]:
            return Wish(Kind.QUERY, workflow_id)
        case ["workflows", workflow_id, action] if action in _CONTROLS:
            return Wish(Kind.CONTROL, workflow_id, action=f"staff.workflow.{action}")
        case ["schedules", schedule_id, action] if action in _SCHEDULE_CHANGES:
            return Wish(Kind.SCHEDULE, schedule_id, action=f"staff.schedule.{action}")
    return _repair(rest)


def _repair(rest: Sequence[str]) -> Wish | None:
    """Temporal names them in two ways: `activities/pause`, `workflows/{id}/activities/pause`."""
    match rest:
        case ["workflows", workflow_id, "activities", *_, action] if _REPAIRS.fullmatch(action):
            return Wish(Kind.REPAIR, workflow_id, action=f"staff.activity.{action}")
        case ["activities" | "activities-deprecated", *_, action] if _REPAIRS.fullmatch(action):
            return Wish(Kind.REPAIR, action=f"staff.activity.{action}")
    return None


def _name(role: Role) -> str:
    return str(role).replace("_", " ")
