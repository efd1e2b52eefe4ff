"""Steps of a KYC case that touch the world: our rows, the vendor, the lists, the documents."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from temporalio import activity

from activities.kyc_messages import (
    Assessment,
    AssessmentRequest,
    AuditAction,
    CaseFile,
    CheckAnswer,
    CheckRequest,
    ClearedMatches,
    KycRecord,
    PartyMatch,
    Reminder,
)
from activities.refusals import refusals_end_it
from compliance.countries import HIGH_RISK
from compliance.kyc import (
    Findings,
    VendorOutcome,
    goes_straight_through,
    risk_reasons,
    risk_score,
)
from compliance.letters import plain_letters
from compliance.mrz import Mrz, parse_mrz
from compliance.profile import Profile
from compliance.tiers import Tier
from domain.errors import WrongState
from domain.ids import CustomerId
from storage.kyc import Audited, CaseRow, Document
from streams.envelope import Envelope
from streams.kyc_vendor import VendorAnswer

logger = logging.getLogger(__name__)


class Store(Protocol):
    async def record(self, row: CaseRow, audited: Sequence[Audited]) -> bool: ...
    async def profile(self, customer_id: CustomerId) -> bytes | None: ...
    async def documents(self, customer_id: CustomerId) -> list[Document]: ...
    async def erase(self, customer_id: CustomerId, audited: Audited) -> list[str]: ...
    async def documents_erased(self, customer_id: CustomerId) -> None: ...
    async def add_check(self, check_id: str, customer_id: CustomerId, key: str) -> None: ...
    async def finish_check(self, check_id: str, outcome: str, reasons: Sequence[str]) -> None: ...
    async def audit_once(self, key: str, audited: Audited) -> None: ...


class Vendor(Protocol):
    async def start_check(self, key: str, person: dict[str, str], documents: list[str]) -> str: ...
    async def check(self, check_id: str) -> VendorAnswer: ...


class NameScreening(Protocol):
    async def screen(self, customer_id: CustomerId, profile: Profile) -> list[PartyMatch]: ...
    async def clear(self, cleared: ClearedMatches) -> None: ...


class DocumentObjects(Protocol):
    async def delete(self, keys: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class KycPolicy:
    straight_through_tier_max: Tier = Tier.NONE
    """Highest tier that clean cases get without a person; NONE: every case is looked at."""


@dataclass(frozen=True, slots=True)
class KycTools:
    """What the activities work with; made in the worker's main."""

    store: Store
    envelope: Envelope
    vendor: Vendor
    screening: NameScreening
    documents: DocumentObjects
    policy: KycPolicy


class KycActivities:
    def __init__(self, tools: KycTools) -> None:
        self._tools = tools

    def all(self) -> Sequence[Callable[..., Any]]:
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

    @activity.defn(name="kyc_record")
    async def record(self, record: KycRecord) -> None:
        """Write the case, the customer's tier and the audit lines. A repeat finds them written."""
        customer_id = CustomerId(record.customer_id)
        question = None
        if record.question:
            question = await self._seal(customer_id, record.question.encode())
        row = CaseRow(
            customer_id=customer_id,
            state=record.state,
            tier=record.tier,
            requested_tier=record.requested_tier,
            changed_at=record.at,
            risk_score=record.risk_score,
            reasons=record.reasons,
            question=question,
            check_id=record.check_id,
            officers=record.officers,
            approved_at=record.approved_at,
            expires_at=record.expires_at,
        )
        await self._tools.store.record(row, _audited(record.customer_id, record.actions))
        logger.info("case recorded", extra={"state": record.state, "tier": record.tier})

    @activity.defn(name="kyc_start_check")
    @refusals_end_it
    async def start_check(self, request: CheckRequest) -> str:
        """Send person and documents to the vendor. Its key makes a repeat find the first check."""
        customer_id = CustomerId(request.customer_id)
        profile = await self._profile(customer_id)
        documents = await self._tools.store.documents(customer_id)
        check_id = await self._tools.vendor.start_check(
            request.key, _person(profile), [document.sha256.hex() for document in documents]
        )
        await self._tools.store.add_check(check_id, customer_id, request.key)
        return check_id

    @activity.defn(name="kyc_ask_check")
    async def ask_check(self, check_id: str) -> CheckAnswer:
        """Read the vendor's verdict where it is kept; whatever a webhook claims is not believed."""
        answer = await self._tools.vendor.check(check_id)
        if answer.outcome is None:
            return CheckAnswer()
        outcome = VendorOutcome(answer.outcome)
        await self._tools.store.finish_check(check_id, outcome, answer.reasons)
        return CheckAnswer(outcome=outcome, reasons=answer.reasons, question=answer.question)

    @activity.defn(name="kyc_assess")
    @refusals_end_it
    async def assess(self, request: AssessmentRequest) -> Assessment:
        """Screen the name, verify the zone, weigh all. Writes down the screening only."""
        customer_id = CustomerId(request.customer_id)
        profile = await self._profile(customer_id)
        matches = await self._tools.screening.screen(customer_id, profile)
        documents = await self._tools.store.documents(customer_id)
        zone = await self._newest_zone(customer_id, documents)
        findings = _findings(request.answer, profile, matches, zone, _today())
        return Assessment(
            risk_score=risk_score(findings),
            reasons=risk_reasons(findings),
            straight_through=goes_straight_through(
                findings, request.tier, self._tools.policy.straight_through_tier_max
            ),
            file=_case_file(profile, documents, zone, matches),
        )

    @activity.defn(name="kyc_clear_matches")
    async def clear_matches(self, cleared: ClearedMatches) -> None:
        """Remember that an officer found these to be other people, until the entries change."""
        await self._tools.screening.clear(cleared)

    @activity.defn(name="kyc_remind")
    async def remind(self, reminder: Reminder) -> None:
        """Note that the customer is to be reminded; the key makes a repeat one reminder."""
        subject = f"kyc/{reminder.customer_id}"
        audited = Audited("system", "kyc.reminded", subject, {"about": reminder.about})
        await self._tools.store.audit_once(f"{subject}:remind:{reminder.key}", audited)

    @activity.defn(name="kyc_erase_application")
    async def erase_application(self, customer_id: int) -> None:
        """An application that lapsed leaves nothing behind."""
        await self._erase(CustomerId(customer_id), "kyc.application_erased")

    @activity.defn(name="kyc_erase_personal_data")
    async def erase_personal_data(self, customer_id: int) -> None:
        """The customer left. What the law keeps (postings, decisions) names no person by itself."""
        await self._erase(CustomerId(customer_id), "kyc.personal_data_erased")

    async def _erase(self, customer_id: CustomerId, action: str) -> None:
        """Objects go before their keys are forgotten, so a crash in between loses none of them."""
        audited = Audited("system", action, f"kyc/{customer_id}")
        keys = await self._tools.store.erase(customer_id, audited)
        await self._tools.documents.delete(keys)
        await self._tools.store.documents_erased(customer_id)

    async def _profile(self, customer_id: CustomerId) -> Profile:
        sealed = await self._tools.store.profile(customer_id)
        if sealed is None:
            raise WrongState(f"customer {customer_id} has no profile")
        plain = await self._tools.envelope.open_packed(sealed, about_customer(customer_id))
        return msgspec.json.decode(plain, type=Profile)

    async def _newest_zone(
        self, customer_id: CustomerId, documents: Sequence[Document]
    ) -> Mrz | None:
        for document in reversed(documents):
            if document.mrz_sealed is not None:
                plain = await self._tools.envelope.open_packed(
                    document.mrz_sealed, about_customer(customer_id)
                )
                return parse_mrz(plain.decode(), _today())
        return None

    async def _seal(self, customer_id: CustomerId, plain: bytes) -> bytes:
        return await self._tools.envelope.seal_packed(plain, about_customer(customer_id))


def about_customer(customer_id: CustomerId) -> bytes:
    """Binds a sealed piece to its customer: moved to another row it does not open."""
    return f"customer:{customer_id}".encode()


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _person(profile: Profile) -> dict[str, str]:
    return {
        "given_names": profile.given_names,
        "family_name": profile.family_name,
        "birth_date": profile.birth_date.isoformat(),
        "nationality": profile.nationality,
        "country": profile.country,
        "address": profile.address,
    }


def _findings(
    answer: CheckAnswer,
    profile: Profile,
    matches: Sequence[PartyMatch],
    zone: Mrz | None,
    today: dt.date,
) -> Findings:
    assert answer.outcome is not None
    return Findings(
        vendor=answer.outcome,
        screening_score=max((match.score for match in matches), default=0),
        screening_hit=bool(matches),
        mrz_valid=None if zone is None else zone.is_valid,
        mrz_agrees=None if zone is None else _agrees(zone, profile),
        is_expired=zone is not None and zone.expiry_date is not None and zone.expiry_date < today,
        high_risk_country=bool({profile.country, profile.nationality} & HIGH_RISK),
        reasons=tuple(answer.reasons),
    )


def _agrees(zone: Mrz, profile: Profile) -> bool:
    """Zones shorten and transliterate names, so the family name's first letters must do."""
    wanted = plain_letters(profile.family_name)[:5]
    return zone.birth_date == profile.birth_date and plain_letters(zone.family_name).startswith(
        wanted
    )


def _case_file(
    profile: Profile,
    documents: Sequence[Document],
    zone: Mrz | None,
    matches: Sequence[PartyMatch],
) -> CaseFile:
    return CaseFile(
        full_name=profile.full_name,
        birth_date=profile.birth_date.isoformat(),
        country=profile.country,
        nationality=profile.nationality,
        address=profile.address,
        documents=[
            f"{document.kind}, {document.content_type}, {document.size_bytes:,} bytes, "
            f"object {document.object_key}"
            for document in documents
        ],
        findings=_zone_findings(zone, profile),
        matches=list(matches),
    )


def _zone_findings(zone: Mrz | None, profile: Profile) -> list[str]:
    if zone is None:
        return ["no machine-readable zone was given"]
    digits = "right" if zone.is_valid else f"WRONG ({', '.join(zone.wrong_checks)})"
    agrees = "agree" if _agrees(zone, profile) else "DO NOT agree"
    expiry = "open" if zone.expiry_date is None else zone.expiry_date.isoformat()
    return [
        f"{zone.layout} {zone.document_code} of {zone.issuer}, check digits {digits}",
        f"name and birth date of document and profile {agrees}",
        f"document expires {expiry}",
    ]


def _audited(customer_id: int, actions: Sequence[AuditAction]) -> list[Audited]:
    subject = f"kyc/{customer_id}"
    return [Audited(one.actor, one.action, subject, one.details) for one in actions]
