"""Verification from the customer's side: what is taken in, how it is kept, exported and erased."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import text

from activities.kyc import KycActivities, KycPolicy, KycTools
from devstack.rented import RentedStack
from storage.documents import DOCUMENTS_BUCKET, DocumentBucket
from storage.kyc import KycStore
from streams import aws
from streams.envelope import personal_envelope
from streams.kyc_vendor import KycVendor
from streams.temporal import connect
from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, Person, problem
from workers.temporal_worker import Queue, build_worker
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
from workflows.kyc_start import kyc_workflow_id

pytestmark = pytest.mark.stack

PROFILE = {
    "given_names": "Anna Maria",
    "family_name": "Eriksson",
    "birth_date": "1974-08-12",
    "nationality": "SE",
    "country": "SE",
    "address": "Storgatan 1, 11122 Stockholm",
}
ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
"""The specimen of ICAO Doc 9303."""


def picture() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    noise = bytes((7 * n * n) % 251 for n in range(40 * 40))
    rows = b"".join(b"\0" + noise[40 * n : 40 * n + 40] for n in range(40))
    header = struct.pack(">IIBBBBB", 40, 40, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


async def upload(person: Person, content: bytes, kind: str = "image/png", mrz: str = "") -> Any:
    return await person.http.post(
        "/v1/kyc/documents",
        data={"kind": "identity_document", "mrz": mrz},
        files={"file": ("passport", content, kind)},
    )


async def handed_in(exchange: Exchange) -> tuple[Person, str]:
    """A person who sent profile and passport, and the document's id."""
    person = await exchange.person()
    assert (await person.http.put("/v1/kyc/profile", json=PROFILE)).status_code == 204
    sent = await upload(person, picture(), mrz=ZONE)
    assert sent.status_code == 201, sent.text
    like_example("upload_document", sent)
    return person, sent.json()["id"]


async def test_the_same_upload_twice_is_one_document_though_its_boundary_differs(
    exchange: Exchange,
) -> None:
    person = await exchange.person()
    person.http.headers["idempotency-key"] = "passport"

    first = await upload(person, picture())
    again = await upload(person, picture())
    other = await upload(person, picture(), mrz=ZONE)

    kinds = {each.request.headers["content-type"] for each in (first, again)}
    assert len(kinds) == 2, "the client chose the same boundary"
    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    problem(other, 422, "idempotency_body_differs")


async def test_documents_lie_in_s3_under_kms_and_no_route_serves_them(exchange: Exchange) -> None:
    person, document_id = await handed_in(exchange)

    key = f"kyc/{person.id}/{document_id}"
    kept = aws.client("s3").head_object(Bucket=DOCUMENTS_BUCKET, Key=key)
    routes = (await exchange.http.get("/v1/openapi.json")).json()["paths"]
    served = await person.http.get(f"/v1/kyc/documents/{document_id}")

    assert kept["ServerSideEncryption"] == "aws:kms"
    assert kept["SSEKMSKeyId"]
    assert [path for path in routes if "documents" in path] == ["/v1/kyc/documents"]
    assert list(routes["/v1/kyc/documents"]) == ["post"]
    assert served.status_code == 404


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"MZ" + bytes(2000), "image/png", "document_refused"),
        (picture(), "application/pdf", "document_refused"),
        (picture()[:100], "image/png", "document_refused"),
        (b"%PDF-1.4 /JavaScript" + bytes(2000) + b"%%EOF", "application/pdf", "document_refused"),
    ],
    ids=["no picture", "not what it says", "too small", "a script in it"],
)
async def test_what_is_no_document_is_refused(
    exchange: Exchange, content: bytes, kind: str, code: str
) -> None:
    person = await exchange.person()

    problem(await upload(person, content, kind), 400, code)

    account = (await person.http.get("/v1/account")).json()
    assert "identity_document" in account["requirements"] or account["next_tier"] > 1


async def test_a_huge_file_is_refused(exchange: Exchange) -> None:
    person = await exchange.person()

    answer = await upload(person, picture() + bytes(11 * 1024 * 1024))

    assert answer.status_code in (400, 413), answer.text


async def test_nonsense_for_a_zone_is_refused(exchange: Exchange) -> None:
    person = await exchange.person()

    answer = await upload(person, picture(), mrz="hello\nworld")

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_mrz"


async def test_what_is_missing_is_named(exchange: Exchange) -> None:
    person = await exchange.person()

    body = problem(
        await person.http.post("/v1/kyc/submit", json={"tier": 2}), 400, "requirements_missing"
    )

    assert body["missing"] == "profile,identity_document,selfie"


async def test_the_database_holds_no_name_and_the_export_does(exchange: Exchange) -> None:
    person, document_id = await handed_in(exchange)

    answer = await person.http.get("/v1/kyc/export")
    like_example("export_my_data", answer)
    export = answer.json()
    async with exchange.services.engine.connect() as connection:
        query = text(
            "SELECT p.sealed, d.mrz_sealed FROM kyc_profiles p"
            " JOIN kyc_documents d USING (customer_id) WHERE customer_id = :id"
        )
        row = (await connection.execute(query, {"id": person.id})).one()

    assert export["profile"] == PROFILE
    assert [each["id"] for each in export["documents"]] == [document_id]
    for sealed in (bytes(row.sealed), bytes(row.mrz_sealed)):
        assert b"Eriksson" not in sealed
        assert b"ERIKSSON" not in sealed


async def test_a_customer_hands_in_and_leaves(servers: RentedStack, exchange: Exchange) -> None:
    """The vendor is away: the case waits for it, and the customer may go meanwhile."""
    servers.require("temporal")
    person, _ = await handed_in(exchange)
    client = await connect(exchange.services.settings)
    steps = KycActivities(kyc_tools(exchange, KycVendor("http://127.0.0.1:9", "")))
    queue = Queue(COMPLIANCE_QUEUE, steps.all(), [KycWorkflow])

    async with build_worker(client, queue):
        submitted = await person.http.post("/v1/kyc/submit", json={"tier": 1})
        closed = await person.http.post("/v1/kyc/close")
        await client.get_workflow_handle(kyc_workflow_id(person.id)).result()

    assert submitted.status_code == 202, submitted.text
    assert closed.status_code == 200, closed.text
    assert closed.json()["state"] == "closed"
    like_example("submit_verification", submitted)
    like_example("close_account", closed)


def kyc_tools(exchange: Exchange, vendor: Any) -> KycTools:
    nobody: Any = None
    return KycTools(
        store=KycStore(exchange.ledger.engine),
        envelope=personal_envelope(aws.client("kms")),
        vendor=vendor,
        screening=nobody,
        documents=DocumentBucket(aws.client("s3")),
        policy=KycPolicy(),
    )


async def test_erasure_takes_profile_and_files_and_leaves_the_decisions(exchange: Exchange) -> None:
    person, document_id = await handed_in(exchange)
    tools, s3 = kyc_tools(exchange, vendor=None), aws.client("s3")

    for _ in range(2):  # Running it again does no harm.
        await KycActivities(tools).erase_personal_data(person.id)

    export = (await person.http.get("/v1/kyc/export")).json()
    assert (export["profile"], export["documents"]) == (None, [])
    with pytest.raises(ClientError):
        s3.head_object(Bucket=DOCUMENTS_BUCKET, Key=f"kyc/{person.id}/{document_id}")
    lines = await exchange.ledger.pool.fetch(
        "SELECT action FROM audit_log WHERE subject = $1", f"kyc/{person.id}"
    )
    assert {line["action"] for line in lines} == {"kyc.personal_data_erased"}
