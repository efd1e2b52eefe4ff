"""The world as a KYC workflow meets it: what it asked for is kept, failures can be ordered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)

from activities.kyc_messages import (
    Assessment,
    AssessmentRequest,
    CaseFile,
    CheckAnswer,
    CheckRequest,
    ClearedMatches,
    KycRecord,
    PartyMatch,
    Reminder,
)
from compliance.kyc import VendorOutcome
from compliance.staff import Role
from compliance.staff_token import StaffClaims, join_token, token_body
from workflows.staff import STAFF_HEADER

STAFF_KEY = ec.generate_private_key(ec.SECP256R1())
MATCH = PartyMatch(
    list_name="ofac-sdn",
    uid="90001",
    listed_name="Mohammed Gaddafiri",
    score=91,
    explanation="name 91",
    fingerprint="f1",
)


@dataclass
class FakeWorld:
    """Activities under the names of the real ones."""

    answer: CheckAnswer = field(default_factory=lambda: CheckAnswer(outcome=VendorOutcome.CLEAR))
    matches: list[PartyMatch] = field(default_factory=list)
    score: int = 0
    straight_through: bool = False
    vendor_is_down: bool = False
    records: list[KycRecord] = field(default_factory=list)
    checks: list[CheckRequest] = field(default_factory=list)
    asked: int = 0
    cleared: list[ClearedMatches] = field(default_factory=list)
    reminders: list[Reminder] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.record,
            self.start_check,
            self.ask_check,
            self.assess,
            self.clear_matches,
            self.remind,
            self.erase_application,
            self.erase_personal_data,
        ]

    @property
    def last(self) -> KycRecord:
        return self.records[-1]

    @property
    def states(self) -> list[str]:
        return [str(record.state) for record in self.records]

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(one.actor, one.action) for record in self.records for one in record.actions]

    @activity.defn(name="kyc_record")
    async def record(self, record: KycRecord) -> None:
        self.records.append(record)

    @activity.defn(name="kyc_start_check")
    async def start_check(self, request: CheckRequest) -> str:
        self._refuse_when_down()
        self.checks.append(request)
        return f"chk-{len(self.checks)}"

    @activity.defn(name="kyc_ask_check")
    async def ask_check(self, _check_id: str) -> CheckAnswer:
        self._refuse_when_down()
        self.asked += 1
        return self.answer

    @activity.defn(name="kyc_assess")
    async def assess(self, request: AssessmentRequest) -> Assessment:
        return Assessment(
            risk_score=self.score,
            reasons=["list_match"] if self.matches else [],
            straight_through=self.straight_through,
            file=CaseFile(
                full_name="Anna Maria Eriksson",
                birth_date="1974-08-12",
                country="SE",
                nationality="SE",
                address="Storgatan 1",
                documents=["identity_document"],
                findings=[str(request.answer.outcome)],
                matches=self.matches,
            ),
        )

    @activity.defn(name="kyc_clear_matches")
    async def clear_matches(self, cleared: ClearedMatches) -> None:
        self.cleared.append(cleared)

    @activity.defn(name="kyc_remind")
    async def remind(self, reminder: Reminder) -> None:
        self.reminders.append(reminder)

    @activity.defn(name="kyc_erase_application")
    async def erase_application(self, _customer_id: int) -> None:
        self.erased.append("application")

    @activity.defn(name="kyc_erase_personal_data")
    async def erase_personal_data(self, _customer_id: int) -> None:
        self.erased.append("personal_data")

    def _refuse_when_down(self) -> None:
        if self.vendor_is_down:
            raise ConnectionError("the vendor does not answer")


@dataclass
class Signature:
    """Who signs the next staff update, and when; None sends it bare."""

    officer: str = ""
    role: Role = Role.COMPLIANCE
    moment: datetime | None = None
    key: ec.EllipticCurvePrivateKey = STAFF_KEY


class PortalStandIn(Interceptor):
    """Signs updates as the staff portal does."""

    def __init__(self) -> None:
        self.signature: Signature | None = None

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK's name
        return _Signing(next, self)


class _Signing(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, portal: PortalStandIn) -> None:
        super().__init__(following)
        self._portal = portal

    async def start_workflow_update(
        self,
        input: StartWorkflowUpdateInput,  # noqa: A002 - the SDK's name
    ) -> WorkflowUpdateHandle[Any]:
        signature = self._portal.signature
        if signature is not None:
            assert signature.moment is not None
            claims = StaffClaims(
                officer=signature.officer,
                role=signature.role,
                workflow_id=input.id,
                update=input.update,
                update_id=input.update_id or "",
                issued_at=int(signature.moment.timestamp()),
            )
            body = token_body(claims)
            token = join_token(body, signature.key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
            payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(token).encode())
            input.headers = {**input.headers, STAFF_HEADER: payload}
        return await super().start_workflow_update(input)
