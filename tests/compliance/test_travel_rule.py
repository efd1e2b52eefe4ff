import datetime as dt

import pytest

from compliance.profile import Profile
from compliance.travel_rule import (
    THRESHOLD_UNITS,
    InvalidPayload,
    Transfer,
    is_due,
    originator_names,
    outgoing_payload,
)

ANNA = Profile("Anna Maria", "Eriksson", dt.date(1974, 8, 12), "SE", "SE", "Storgatan 1")
TRANSFER = Transfer("withdrawal/w1", "bitcoin", "BTC", "0.5", "bcrt1qpayee")


def test_the_threshold_is_the_first_amount_that_is_told():
    assert is_due(THRESHOLD_UNITS)
    assert not is_due(THRESHOLD_UNITS - 1)


def test_the_payload_says_who_sends_what_where_in_the_words_of_ivms101():
    payload = outgoing_payload(ANNA, 1001, TRANSFER, "Another Exchange")

    person = payload["originator"]["originatorPersons"][0]["naturalPerson"]
    assert person["name"]["nameIdentifier"] == [
        {
            "primaryIdentifier": "Eriksson",
            "secondaryIdentifier": "Anna Maria",
            "nameIdentifierType": "LEGL",
        }
    ]
    assert person["dateAndPlaceOfBirth"] == {"dateOfBirth": "1974-08-12"}
    assert person["geographicAddress"][0]["country"] == "SE"
    assert payload["beneficiary"] == {"accountNumber": ["bcrt1qpayee"]}
    assert payload["transfer"]["amount"] == "0.5"
    assert originator_names(payload) == ["Anna Maria Eriksson"]


def test_a_company_is_named_by_its_one_name():
    name = {"nameIdentifier": [{"legalPersonName": "Mill Ltd"}]}
    payload = {"originator": {"originatorPersons": [{"legalPerson": {"name": name}}]}}

    assert originator_names(payload) == ["Mill Ltd"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"originator": {}},
        {"originator": {"originatorPersons": []}},
        {"originator": {"originatorPersons": "Anna"}},
        {"originator": {"originatorPersons": ["Anna"]}},
        {"originator": {"originatorPersons": [{"naturalPerson": {}}]}},
        {
            "originator": {
                "originatorPersons": [{"naturalPerson": {"name": {"nameIdentifier": []}}}]
            }
        },
    ],
)
def test_half_a_message_is_none(payload):
    with pytest.raises(InvalidPayload):
        originator_names(payload)
