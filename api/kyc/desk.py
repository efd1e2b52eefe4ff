"""What customers do about their verification. Used by the routes; knows no HTTP."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass, field

import msgspec
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.kyc import about_customer
from compliance.documents import check_document
from compliance.kyc import COLLECTING, PLAIN_WORDS, KycState
from compliance.mrz import parse_mrz
from compliance.profile import Profile, check_profile
from compliance.tiers import (
    REQUIREMENTS,
    Requirement,
    Tier,
    missing_requirements,
)
from domain.errors import InvalidInput, WrongState
from domain.ids import CustomerId
from storage.documents import DocumentBucket
from storage.kyc import CaseRow, Document, KycStore
from streams.envelope import Envelope
from workflows.kyc_start import close_kyc, start_kyc, submit_kyc

DOCUMENTS_MAX = 20
"""Of one customer: more is no help to anybody."""


class RequirementsMissing(InvalidInput):
    code = "requirements_missing"


@dataclass(frozen=True, slots=True)
class Verification:
    """A customer's verification in words and codes."""

    state: KycState
    message: str
    tier: Tier
    requested_tier: Tier | None
    question: str
    reasons: tuple[str, ...]
    """Codes a customer may see; nothing about lists."""
    missing: tuple[Requirement, ...]
    """For the next tier."""
    approved_until: dt.datetime | None
    provided: frozenset[Requirement] = field(default_factory=frozenset)


_REASONS_TOLD = frozenset(
    {
        "document_check_digits_wrong",
        "document_cut_off",
        "document_differs_from_profile",
        "document_expired",
        "document_unreadable",
        "selfie_unclear",
    }
)
_REASONS_TOLD_IN = frozenset({KycState.NEEDS_INFO, KycState.REJECTED_RETRYABLE})


class KycDesk:
    def __init__(
        self, client: Client, store: KycStore, envelope: Envelope, documents: DocumentBucket
    ) -> None:
        self._client = client
        self._store = store
        self._envelope = envelope
        self._documents = documents

    async def start(self, customer_id: CustomerId) -> None:
        """Call at registration, or not: `submit` starts what was not started."""
        await start_kyc(self._client, customer_id)

    async def put_profile(self, customer_id: CustomerId, profile: Profile) -> None:
        """Raises InvalidProfile, TooYoung, WrongState."""
        check_profile(profile, _today())
        await self._refuse_unless_collecting(customer_id)
        sealed = await self._seal(customer_id, msgspec.json.encode(profile))
        await self._store.put_profile(customer_id, sealed)

    async def add_document(
        self,
        customer_id: CustomerId,
        kind: Requirement,
        content_type: str,
        content: bytes,
        mrz: str = "",
    ) -> str:
        """Keep one document; returns its id. Raises DocumentRefused, InvalidMrz, WrongState."""
        check_document(content_type, content)
        if mrz:
            parse_mrz(mrz, _today())  # Wrong check digits are for the officer; nonsense is refused.
        await self._refuse_unless_collecting(customer_id)
        if len(await self._store.documents(customer_id)) >= DOCUMENTS_MAX:
            raise InvalidInput(f"you already sent {DOCUMENTS_MAX} documents")
        document_id = str(uuid.uuid4())
        key = f"kyc/{customer_id}/{document_id}"
        sealed = await self._seal(customer_id, mrz.encode()) if mrz else None
        await self._documents.put(key, content_type, content)
        document = Document(
            id=document_id,
            customer_id=customer_id,
            kind=kind,
            content_type=content_type,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).digest(),
            object_key=key,
            mrz_sealed=sealed,
        )
        await self._store.add_document(document)
        return document_id

    async def submit(self, customer_id: CustomerId, tier: Tier, key: str = "") -> Verification:
        """Hand everything in. Raises RequirementsMissing, WrongState.

        Repeated under one idempotency key, or before anything changed, it is one submission.
        """
        row = await self._store.find(customer_id)
        if row is not None and row.state in {KycState.REJECTED, KycState.CLOSED}:
            raise WrongState(PLAIN_WORDS[row.state], state=row.state)
        missing = missing_requirements(tier, await self._provided(customer_id))
        if missing:
            raise RequirementsMissing(
                f"tier {int(tier)} also needs: {', '.join(missing)}", missing=",".join(missing)
            )
        name = key or f"{int(tier)} after {row.changed_at if row else 'nothing'}"
        await submit_kyc(self._client, customer_id, tier, name=name)
        return await self.status(customer_id)

    async def status(self, customer_id: CustomerId) -> Verification:
        row = await self._store.find(customer_id)
        provided = await self._provided(customer_id)
        if row is None:
            state, tier = KycState.NOT_STARTED, Tier.NONE
            missing = missing_requirements(Tier.BASIC, provided)
            return Verification(
                state, PLAIN_WORDS[state], tier, None, "", (), missing, None, provided
            )
        return Verification(
            state=row.state,
            message=PLAIN_WORDS[row.state],
            tier=row.tier,
            requested_tier=row.requested_tier,
            question=await self._question(row),
            reasons=_reasons(row),
            missing=missing_requirements(next_tier(row.tier), provided),
            approved_until=row.expires_at,
            provided=provided,
        )

    async def export(self, customer_id: CustomerId) -> dict[str, object]:
        """Everything we keep that names the customer, for the customer."""
        sealed = await self._store.profile(customer_id)
        documents = await self._store.documents(customer_id)
        profile = None
        if sealed is not None:
            plain = await self._envelope.open_packed(sealed, about_customer(customer_id))
            profile = msgspec.json.decode(plain)
        row = await self._store.find(customer_id)
        return {
            "profile": profile,
            "verification": None if row is None else await self._decided(row),
            "told_to_other_exchanges": [
                {
                    "reference": reference,
                    "payload": msgspec.json.decode(
                        await self._envelope.open_packed(sealed, about_customer(customer_id))
                    ),
                }
                for reference, sealed in await self._store.told_others(customer_id)
            ],
            "documents": [
                {
                    "id": document.id,
                    "kind": str(document.kind),
                    "content_type": document.content_type,
                    "size_bytes": document.size_bytes,
                    "sha256": document.sha256.hex(),
                }
                for document in documents
            ],
        }

    async def _decided(self, row: CaseRow) -> dict[str, object]:
        """What we decided about the customer, without what would warn a suspect."""
        return {
            "state": str(row.state),
            "tier": int(row.tier),
            "question": await self._question(row),
            "reasons": list(_reasons(row)),
            "approved_at": row.approved_at,
            "approved_until": row.expires_at,
        }

    async def close(self, customer_id: CustomerId) -> Verification:
        """The customer leaves; what law does not keep is erased. Raises WrongState when frozen,
        and when no verification was ever begun.
        """
        try:
            await close_kyc(self._client, customer_id)
        except RPCError as fault:
            if fault.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise WrongState("no verification has begun: there is nothing to erase") from fault
        return await self.status(customer_id)

    async def _question(self, row: CaseRow) -> str:
        if row.question is None:
            return ""
        about = about_customer(row.customer_id)
        return (await self._envelope.open_packed(row.question, about)).decode()

    async def _provided(self, customer_id: CustomerId) -> frozenset[Requirement]:
        kinds = {document.kind for document in await self._store.documents(customer_id)}
        if await self._store.profile(customer_id) is not None:
            kinds.add(Requirement.PROFILE)
        return frozenset(kinds)

    async def _refuse_unless_collecting(self, customer_id: CustomerId) -> None:
        """What officers and vendor look at must not change under their eyes."""
        row = await self._store.find(customer_id)
        open_states = COLLECTING | {KycState.NOT_STARTED, KycState.APPROVED, KycState.EXPIRING}
        if row is not None and row.state not in open_states:
            raise WrongState(PLAIN_WORDS[row.state], state=row.state)

    async def _seal(self, customer_id: CustomerId, plain: bytes) -> bytes:
        return await self._envelope.seal_packed(plain, about_customer(customer_id))


def next_tier(tier: Tier) -> Tier:
    return Tier(min(tier + 1, max(REQUIREMENTS)))


def _reasons(row: CaseRow) -> tuple[str, ...]:
    if row.state not in _REASONS_TOLD_IN:
        return ()
    return tuple(reason for reason in row.reasons if reason in _REASONS_TOLD)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
