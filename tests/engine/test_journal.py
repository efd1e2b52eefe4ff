"""The journal's files: what is read back, what may be cut, and what must stop everything."""

from pathlib import Path

import pytest

from engine.journal import FRAME, CorruptJournal, Record, TornTail
from streams.journal import Follower, acknowledged, replay, segments
from streams.journal_writer import JournalWriter

DIGEST = bytes(8)


def written(directory: Path, count: int, *, epoch: int = 1, last: int = 0) -> None:
    writer = JournalWriter(directory, epoch=epoch, last_number=last, segment_bytes=1 << 16)
    for number in range(count):
        record = writer.append(FRAME, b"x" * 100, time_us=number, digest=DIGEST)
        writer.wait_synced(record.number)
        writer.publish(record.number)
    writer.close()


def damage(directory: Path, number: int) -> None:
    """Change one byte of a record's payload."""
    path = segments(directory)[-1].path
    content = bytearray(path.read_bytes())
    content[4096 + 156 * (number - 1) + 60] ^= 1
    path.write_bytes(content)


def test_records_come_back_in_order(tmp_path: Path):
    written(tmp_path, 1_000)

    numbers = [record.number for record in replay(tmp_path, 0)]

    assert numbers == list(range(1, 1_001))
    assert len(segments(tmp_path)) > 1


def test_a_torn_tail_is_named_and_left_out(tmp_path: Path):
    written(tmp_path, 10)
    damage(tmp_path, 10)
    for mark in tmp_path.glob("*.durable"):
        mark.unlink()  # Lost with the machine, as it may be.

    *records, torn = replay(tmp_path, 0)

    assert [record.number for record in records] == list(range(1, 10))
    assert isinstance(torn, TornTail)
    assert torn.number == 10


def test_a_bad_record_that_was_acknowledged_is_never_cut(tmp_path: Path):
    written(tmp_path, 10)
    damage(tmp_path, 10)

    with pytest.raises(CorruptJournal, match="acknowledged"):
        list(replay(tmp_path, 0))


def test_a_bad_record_that_a_later_one_vouches_for_is_corruption(tmp_path: Path):
    written(tmp_path, 10)
    damage(tmp_path, 5)

    with pytest.raises(CorruptJournal, match="record 5"):
        list(replay(tmp_path, 0))


def test_what_an_older_epoch_appends_too_late_does_not_count(tmp_path: Path):
    old = JournalWriter(tmp_path, epoch=1, last_number=0, segment_bytes=1 << 16)
    old.wait_synced(old.append(FRAME, b"kept", time_us=1, digest=DIGEST).number)
    new = JournalWriter(tmp_path, epoch=2, last_number=1, segment_bytes=1 << 16)

    old.wait_synced(old.append(FRAME, b"late", time_us=2, digest=DIGEST).number)
    record = new.append(FRAME, b"new", time_us=3, digest=DIGEST)
    new.wait_synced(record.number)
    new.publish(record.number)
    old.close()
    new.close()

    assert [record.payload for record in replay(tmp_path, 0)] == [b"kept", b"new"]


def test_a_follower_reads_only_what_was_published(tmp_path: Path):
    writer = JournalWriter(tmp_path, epoch=1, last_number=0, segment_bytes=1 << 16)
    follower = Follower(tmp_path, 0)
    follower.look_for_epoch()
    record = writer.append(FRAME, b"x", time_us=1, digest=DIGEST)
    writer.wait_synced(record.number)

    before = follower.poll()
    writer.publish(record.number)
    after = follower.poll()

    writer.close()
    follower.close()
    assert before == []
    assert [each.number for each in after] == [1]


def test_whoever_looks_while_the_writer_goes_on_sees_what_was_acknowledged_before(tmp_path: Path):
    writer = JournalWriter(tmp_path, epoch=1, last_number=0, segment_bytes=1 << 16)

    def write(payload: bytes, *, is_told: bool = True) -> None:
        record = writer.append(FRAME, payload, time_us=1, digest=DIGEST)
        writer.wait_synced(record.number)
        if is_told:
            writer.publish(record.number)

    write(b"one")
    write(b"two")
    write(b"not told", is_told=False)
    looking, replaying = acknowledged(tmp_path, 0), replay(tmp_path, 0)
    first = next(looking).payload
    next(replaying)
    write(b"four")

    seen = [first, *(each.payload for each in looking)]
    assert [each.payload for each in replaying if isinstance(each, Record)] == [b"two", b"not told"]
    writer.close()
    assert seen == [b"one", b"two"]
    assert len(list(acknowledged(tmp_path, 1))) == 3


def test_an_acknowledged_record_that_is_gone_is_corruption_to_whoever_looks(tmp_path: Path):
    written(tmp_path, 3)
    path = segments(tmp_path)[-1].path
    path.write_bytes(path.read_bytes()[: 4096 + 2 * 156] + bytes(156))

    with pytest.raises(CorruptJournal, match="record 3"):
        list(acknowledged(tmp_path, 0))


@pytest.mark.parametrize("lost", [1, 40, 99, 100, 120, 155])
def test_wherever_the_last_record_is_torn_the_ones_before_it_are_read(tmp_path: Path, lost: int):
    written(tmp_path, 3)
    path = segments(tmp_path)[-1].path
    end = 4096 + 3 * 156
    path.write_bytes(path.read_bytes()[: end - lost] + bytes(lost))
    for mark in tmp_path.glob("*.durable"):
        mark.unlink()

    *records, torn = replay(tmp_path, 0)

    assert [record.number for record in records] == [1, 2]
    assert isinstance(torn, TornTail)
    assert (torn.number, torn.offset) == (3, 4096 + 2 * 156)


def test_a_record_lost_without_a_trace_was_never_there(tmp_path: Path):
    written(tmp_path, 3)
    path = segments(tmp_path)[-1].path
    path.write_bytes(path.read_bytes()[: 4096 + 2 * 156] + bytes(156))
    for mark in tmp_path.glob("*.durable"):
        mark.unlink()

    assert [record.number for record in replay(tmp_path, 0)] == [1, 2]  # type: ignore[union-attr]


def test_a_missing_segment_is_corruption_and_not_the_end(tmp_path: Path):
    written(tmp_path, 1_000)
    segments(tmp_path)[1].path.unlink()

    with pytest.raises(CorruptJournal, match="the next segment shows"):
        list(replay(tmp_path, 0))


def test_a_segment_whose_header_was_changed_is_not_read(tmp_path: Path):
    written(tmp_path, 3)
    path = segments(tmp_path)[0].path
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)

    with pytest.raises(CorruptJournal, match="header"):
        list(replay(tmp_path, 0))


def test_an_older_segment_with_a_torn_end_is_corruption(tmp_path: Path):
    written(tmp_path, 1_000)
    first = segments(tmp_path)[0].path
    content = first.read_bytes().rstrip(b"\0")
    first.write_bytes(content[:-5] + bytes(200))

    with pytest.raises(CorruptJournal, match="the next segment"):
        list(replay(tmp_path, 0))
