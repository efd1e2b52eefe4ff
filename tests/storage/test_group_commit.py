"""Who commits what: two committers take whatever waits, a third one whole batches only."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from storage.group_commit import BATCH_MAX, GroupCommit


class Database:
    """Takes batches, and answers them when told to."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.answers = asyncio.Event()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        yield None

    async def commit(self, _connection: Any, works: Sequence[int]) -> Sequence[int]:
        self.batches.append(len(works))
        await self.answers.wait()
        return [-work for work in works]


@pytest.mark.parametrize(
    ("waiting", "batches"),
    [
        ([10, 10, 10], [10, 10]),
        ([10, 10, 3 * BATCH_MAX], [10, 10, BATCH_MAX]),
        ([4 * BATCH_MAX], [BATCH_MAX] * 3),
    ],
)
async def test_a_third_batch_is_on_its_way_only_if_it_is_whole(
    waiting: list[int], batches: list[int]
) -> None:
    database = Database()
    group: GroupCommit[int, int] = GroupCommit(database, database.commit)  # type: ignore[arg-type]
    submitted = []
    for count in waiting:
        submitted.append(asyncio.create_task(group.submit_all(range(1, count + 1))))
        for _ in range(20):  # Turns of the loop: everybody who could take something has.
            await asyncio.sleep(0)

    assert database.batches == batches
    database.answers.set()
    answers = await asyncio.gather(*submitted)
    await group.close()
    assert [len(answer) for answer in answers] == waiting
    assert all(answer == [-n for n in range(1, len(answer) + 1)] for answer in answers)
