"""The travel rule: who sends and who receives a large transfer, said in the IVMS101 data model.

FATF recommendation 16 as the joint working group wrote it down (IVMS101.2023): natural persons with
a legal name, a dated birth, an address; accounts by address on the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compliance.profile import Profile
from compliance.tiers import REFERENCE_SCALE
from domain.errors import InvalidInput

THRESHOLD_UNITS = 1_000 * 10**REFERENCE_SCALE
"""From 1,000 (FATF's figure) of the reference asset on; a stricter law lowers it."""

HOUSE_NAME = "Rialto"


class InvalidPayload(InvalidInput):
    code = "invalid_travel_rule_payload"


@dataclass(frozen=True, slots=True)
class Transfer:
    reference: str
    """withdrawal/..., deposit/..."""
    chain: str
    asset: str
    amount: str
    address: str
    """Where the coins go."""


def is_due(value_units: int, threshold_units: int = THRESHOLD_UNITS) -> bool:
    return value_units >= threshold_units


def outgoing_payload(
    originator: Profile, customer_id: int, transfer: Transfer, beneficiary_vasp: str
) -> dict[str, Any]:
    """What the beneficiary's exchange must know of our customer before the coins arrive."""
    return {
        "originator": {
            "originatorPersons": [{"naturalPerson": _natural_person(originator, customer_id)}],
            "accountNumber": [f"rialto-{customer_id}"],
        },
        "originatingVASP": _vasp(HOUSE_NAME),
        "beneficiary": {"accountNumber": [transfer.address]},
        "beneficiaryVASP": _vasp(beneficiary_vasp),
        "transfer": {
            "reference": transfer.reference,
            "chain": transfer.chain,
            "asset": transfer.asset,
            "amount": transfer.amount,
        },
    }


def originator_names(payload: Mapping[str, Any]) -> list[str]:
    """Of the persons who sent the coins, as their exchange says. Raises InvalidPayload."""
    persons = _at(payload, "originator", "originatorPersons")
    if not isinstance(persons, Sequence) or isinstance(persons, str) or not persons:
        raise InvalidPayload("originatorPersons: at least one person")
    names = [_full_name(person) for person in persons]
    if not all(names):
        raise InvalidPayload("every originator needs a name")
    return names


def _natural_person(profile: Profile, customer_id: int) -> dict[str, Any]:
    identifier = {
        "primaryIdentifier": profile.family_name,
        "secondaryIdentifier": profile.given_names,
        "nameIdentifierType": "LEGL",
    }
    address = {
        "addressType": "HOME",
        "addressLine": [profile.address],
        "country": profile.country,
    }
    return {
        "name": {"nameIdentifier": [identifier]},
        "geographicAddress": [address],
        "customerIdentification": str(customer_id),
        "dateAndPlaceOfBirth": {"dateOfBirth": profile.birth_date.isoformat()},
        "countryOfResidence": profile.country,
    }


def _vasp(name: str) -> dict[str, Any]:
    identifier = {"legalPersonName": name, "legalPersonNameIdentifierType": "LEGL"}
    return {"legalPerson": {"name": {"nameIdentifier": [identifier]}}}


def _full_name(person: Any) -> str:
    kind = "naturalPerson" if isinstance(person, Mapping) and "naturalPerson" in person else ""
    if not kind:
        identifiers = _at(person, "legalPerson", "name", "nameIdentifier")
        return " ".join(str(each.get("legalPersonName", "")) for each in identifiers[:1]).strip()
    identifiers = _at(person, kind, "name", "nameIdentifier")
    parts = [
        f"{each.get('secondaryIdentifier', '')} {each.get('primaryIdentifier', '')}".strip()
        for each in identifiers[:1]
    ]
    return " ".join(parts)


def _at(payload: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(payload, Mapping) or name not in payload:
            raise InvalidPayload(f"{'.'.join(path)} is missing")
        payload = payload[name]
    return payload
