"""Who looks. Everybody sees public records; customers also their own; some staff everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.staff import Role
from domain.errors import PermissionMissing
from projections.document import PUBLIC

SEES_CUSTOMERS = frozenset({Role.COMPLIANCE, Role.SENIOR_COMPLIANCE, Role.OPERATIONS})
"""Roles that handle customers' money or cases. Every search of theirs is written down."""


@dataclass(frozen=True, slots=True)
class Viewer:
    customer_id: int | None = None
    """The customer who looks; None for the public and for staff."""
    staff: str = ""
    """Login of the staff member who looks."""
    role: Role | None = None

    @property
    def sees_all(self) -> bool:
        return self.role in SEES_CUSTOMERS

    def owns(self, owners: list[str]) -> bool:
        return self.customer_id is not None and str(self.customer_id) in owners

    def may_see(self, kind: str, owners: list[str]) -> bool:
        return self.sees_all or kind in PUBLIC or self.owns(owners)

    def limits(self) -> list[dict[str, Any]]:
        """The filter that keeps others' private records out of every answer."""
        if self.sees_all:
            return []
        public: dict[str, Any] = {"terms": {"kind": sorted(PUBLIC)}}
        if self.customer_id is None:
            return [public]
        own = {"term": {"owners": str(self.customer_id)}}
        return [{"bool": {"should": [public, own], "minimum_should_match": 1}}]

    def customer_filter(self, wanted: str) -> list[dict[str, Any]]:
        """Records of one customer. Raises PermissionMissing unless it is the viewer's own."""
        mine = str(self.customer_id) if self.customer_id is not None else None
        customer = mine if wanted == "me" else wanted
        if customer is None or (customer != mine and not self.sees_all):
            raise PermissionMissing("only your own records can be asked for by customer")
        return [{"term": {"owners": customer}}]


PUBLIC_VIEWER = Viewer()
