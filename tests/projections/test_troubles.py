"""On servers of its own: kill -9 of everything mid-stream, then dead letters of every kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from activities.projecting import reading
from activities.projecting.dead_letters import LostBatch, LostDocument, LostEvent, Unknown
from activities.projecting.reading import StreamRecord
from devstack.rented import Database, RentedStack
from domain.market import MarketId
from engine import events as e
from projections.document import Kind
from storage.dynamo_tables import TABLES, create_table
from storage.search_index import DocumentRefused
from streams.aws import client
from streams.kinesis import MARKET_EVENTS
from tests.projections.conftest import Processor, applied, prepare_search, until
from tests.projections.histories import LISTINGS, START_US, run_of
from tests.projections.test_processor import assert_all_there, put, traded
from workers.projection_parts import Parts, ProjectionSettings, build
from workers.projection_replay import replay

pytestmark = pytest.mark.stack

MARKET = MarketId("BTC-USDT")
PREFIX = "letters-"
QUEUE = "letters-dead"


TRADES = 600
STEP = 40


@pytest.fixture(scope="module")
def stack() -> Iterator[RentedStack]:
    """Of this module alone: what it kills would disturb others."""
    own = RentedStack()
    yield own
    own.close()


async def test_nothing_is_lost_whatever_dies_meanwhile(
    processor: Processor, parts: Parts, stack: RentedStack, database: Database
) -> None:
    market = MarketId("BTC-USDT")
    processor.start()
    victims = iter(["osmem", "ministack", "processor", "roto", "postgres", "osmem"])

    for start in range(0, TRADES, STEP):
        await put(market, traded(STEP, start=start))  # Retries while roto is away.
        victim = next(victims, None)
        if victim == "processor":
            processor.kill()
            processor.start()
        elif victim is not None:
            died = stack.kill(victim)
            until(lambda v=victim, d=died: stack.pid(v) not in (None, d), f"{victim} is back")  # type: ignore[misc]

    dynamo = parts.stores()[0].dynamo

    def is_whole() -> bool:
        try:
            return applied(dynamo, market) == 3 * TRADES
        except Exception:  # noqa: BLE001 - a server is still coming back
            return False

    await asyncio.to_thread(until, is_whole, "every event is applied")
    assert_all_there(parts, market, TRADES)
    search = parts.stores()[0].search

    def is_found() -> bool:
        return search.count(Kind.TRADE) == TRADES and search.count(Kind.ORDER) == 2 * TRADES

    await asyncio.to_thread(until, is_found, "the index has them all")


@pytest.fixture(scope="module")
def made_mail(aws: dict[str, str], stack: RentedStack) -> Iterator[Parts]:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    url = client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    settings = ProjectionSettings(
        opensearch_url=aws["RIALTO_OPENSEARCH_URL"], table_prefix=PREFIX, dead_letter_queue=QUEUE
    )
    parts = build(settings, LISTINGS)
    prepare_search(parts)
    yield parts
    client("sqs").delete_queue(QueueUrl=url)


@pytest.fixture
def mail(made_mail: Parts) -> Iterator[Parts]:
    """Emptied after each test."""
    mail = made_mail
    yield mail
    for letter in mail.dead_letters.receive():
        mail.dead_letters.remove(letter)


def on_stream(data: bytes) -> StreamRecord:
    """The record as a shard holds it."""
    put = client("kinesis").put_record(StreamName=MARKET_EVENTS, PartitionKey=MARKET, Data=data)
    place = put["ShardId"], put["SequenceNumber"]
    return StreamRecord(MARKET_EVENTS, *place, MARKET, data, START_US // 1000)


def replayed(mail: Parts, *, dry_run: bool = False) -> tuple[int, int]:
    """How many letters were applied, and how many stay."""
    result = replay(mail, client("kinesis"), lambda _: True, dry_run=dry_run)
    return result.applied, len(result.still_poison)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "DecodeError"),
        (b'{"market":"BTC-USDT","events":7}', "ValidationError"),
        (b'{"v":9,"market":"BTC-USDT"}', "version 9 is from the future"),
        (b'{"market":"NO-MARKET","epoch":1,"first_sequence":1,"last_sequence":1,"events":[[1,1,12,0,1,0]]}',
         "UnknownMarket"),
        (b'{"market":"BTC-USDT","epoch":1,"first_sequence":1,"last_sequence":1,"events":[[1,1,99]]}',
         "unknown kind 99"),
        (b'"' + b"x" * (reading.LINE_BYTES_MAX + 1) + b'"', "are more than an event has"),
    ],
    ids=["no json", "no events", "future", "no market", "no kind", "too large"],
)  # fmt: skip
def test_what_cannot_be_applied_is_a_letter_and_holds_up_nothing(
    mail: Parts, line: bytes, reason: str
) -> None:
    before = applied(mail.stores()[0].dynamo, MARKET)
    good = run_of(traded(before // 3 + 1)[before:])

    mail.projector().apply([on_stream(line + b"\n" + good)])

    [letter] = mail.dead_letters.receive()
    assert isinstance(letter.lost, LostEvent)
    assert reason in letter.reason
    assert applied(mail.stores()[0].dynamo, MARKET) == before + 3
    mail.dead_letters.put_back(letter)
    assert replayed(mail) == (0, 1), "nothing was fixed"


def test_a_large_event_is_read_again_from_its_stream(
    mail: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamo = mail.stores()[0].dynamo
    first = applied(dynamo, MARKET)
    events = [(first + n, START_US, e.RESTED, 10**9 + n, 7, 1, 500, 3) for n in range(1, 5_001)]
    record = on_stream(run_of(events))
    assert len(record.data) > 200_000
    with monkeypatch.context() as patched:
        patched.setattr(reading, "LINE_BYTES_MAX", 100_000)
        mail.projector().apply([record])
    assert applied(dynamo, MARKET) == first

    assert replayed(mail, dry_run=True) == (1, 0)
    assert applied(dynamo, MARKET) == first, "a dry run changes nothing"
    assert replayed(mail) == (1, 0)
    assert applied(dynamo, MARKET) == first + 5_000
    assert list(mail.dead_letters.receive()) == []


def test_a_batch_that_the_lambda_gave_up_is_read_again(mail: Parts) -> None:
    dynamo = mail.stores()[0].dynamo
    start = applied(dynamo, MARKET)
    events = [(start + n, START_US, e.STATE_CHANGED, 0, 1, 0) for n in range(1, 4)]
    records = [on_stream(run_of([event])) for event in events]
    after = on_stream(b"comes later and is not of the batch")
    batch = {
        "shardId": records[0].shard,
        "startSequenceNumber": records[0].sequence_number,
        "endSequenceNumber": records[-1].sequence_number,
        "batchSize": 3,
        "streamArn": f"arn:aws:kinesis:eu-central-1:000000000000:stream/{MARKET_EVENTS}",
    }
    letter = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "KinesisBatchInfo": batch}
    send(json.dumps(letter))

    [found] = mail.dead_letters.receive()
    assert isinstance(found.lost, LostBatch)
    assert "RetryAttemptsExhausted" in found.reason
    mail.dead_letters.put_back(found)
    assert replayed(mail) == (1, 0)

    assert applied(dynamo, MARKET) == start + 3
    assert after.shard == records[0].shard


def test_a_batch_that_no_stream_keeps_stays_a_letter(mail: Parts) -> None:
    batch = {
        "shardId": "shardId-000000009999",
        "startSequenceNumber": "1",
        "endSequenceNumber": "2",
        "streamArn": f"arn:aws:kinesis:eu-central-1:000000000000:stream/{MARKET_EVENTS}",
    }
    send(json.dumps({"KinesisBatchInfo": batch}))

    assert replayed(mail) == (0, 1)


def test_a_document_that_was_refused_is_indexed_from_the_tables(mail: Parts) -> None:
    store = mail.stores()[0]
    before = applied(store.dynamo, MARKET)
    record = on_stream(run_of(traded(before // 3 + 1)[before:]))
    mail.projector().apply([record])
    name = "BTC-USDT-1"
    [source] = [each for each in store.search.scan(Kind.TRADE) if each["id"] == name]
    store.search.write([source | {"status": "stale"}])
    mail.dead_letters.send_documents(1, [DocumentRefused(Kind.TRADE, name, "mapper_parsing")])

    [letter] = mail.dead_letters.receive()
    assert letter.lost == LostDocument(Kind.TRADE, name)
    mail.dead_letters.put_back(letter)
    assert replayed(mail) == (1, 0)

    assert store.search.find(Kind.TRADE, [name])[name] == source


@pytest.mark.parametrize("body", ["hello", "[1]", '{"detail": {"source": "aws.events"}}'])
def test_what_is_no_letter_of_ours_is_shown_and_left(mail: Parts, body: str) -> None:
    send(body)

    [letter] = mail.dead_letters.receive()
    assert isinstance(letter.lost, Unknown)
    mail.dead_letters.put_back(letter)
    assert replayed(mail) == (0, 1)


def send(body: str) -> Any:
    url = client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]
    return client("sqs").send_message(QueueUrl=url, MessageBody=body)
