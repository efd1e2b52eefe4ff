import pytest
from sqlalchemy.engine import make_url

from storage.pool import open_pool
from tests.storage.world import World

pytestmark = pytest.mark.stack

_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


async def test_a_connection_brings_nothing_of_those_who_had_it_before(world: World):
    """Nobody asks the server to forget a session: an open transaction is all there may be of it."""
    pool = await open_pool(make_url(world.database.worker), size=1)
    async with pool.acquire() as connection:
        before = await connection.fetchval("SHOW work_mem")
        await connection.execute("BEGIN")
        await connection.execute("SET LOCAL work_mem = '7MB'")
        await connection.execute("SELECT pg_advisory_xact_lock(4711)")
        first = await connection.fetchval("SELECT pg_backend_pid()")

    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == first
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SHOW work_mem") == before
        assert await connection.fetchval(_LOCKS) == 0
    await pool.close()
