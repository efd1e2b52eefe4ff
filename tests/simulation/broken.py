"""Parts that are broken on purpose, each in one way that has been, or could be, somebody's bug."""

from pathlib import Path

from bench.simulation.database import SimulatedDatabase
from bench.simulation.processes import Parts, SimulatedWriter
from bench.simulation.servers import SimulatedLease, checkpoint
from bench.simulation.world import Broken
from engine.journal import PAGE_BYTES, SegmentHeader, encode_header
from engine.memory import CommandMemory
from ledger.turn import Cursor
from streams.journal import Segment
from streams.journal_files import JournalFiles
from workers.engine_loop import EngineLoop
from workers.shipper_settlement import SettlementLane


class DeletesTooEarly(EngineLoop):
    """Takes the frame off the queue before it is on disk."""

    async def take(self, received):
        await self._queue.delete(received)
        await super().take(received)


class NeverSyncs(SimulatedWriter):
    """Believes the page cache."""

    async def until_synced(self, number):
        await checkpoint()
        batch = list(self._waiting)
        self._waiting.clear()
        self._files.write(batch)
        self.synced = number


class NamesTooEarly(JournalFiles):
    """Gives a segment its name before it has a header."""

    def _new_segment(self, first_number):
        path = self._directory / Segment.name(first_number, self._epoch)
        file = self._disk.create(path, self._segment_bytes)
        header = encode_header(SegmentHeader(self._epoch, first_number))
        self._disk.write(file, header, 0)
        self._disk.sync(file)
        self._disk.sync_directory(Path(self._directory))
        return file, PAGE_BYTES


class NamingTooEarly(SimulatedWriter):
    files = NamesTooEarly


class BelievesInItsLease(SimulatedLease):
    """Publishes and deletes though another has taken over."""

    def require(self):
        pass


class ForgetsWhatItCouldNotStart(SettlementLane):
    """As it was: a run is taken off the list, and then its workflow does not start."""

    async def _start_again(self, run):
        del self._started[0]
        await self._start_run(run)


class SaysTheNewestEpoch(SettlementLane):
    """As it was: a run carries the epoch of whoever writes now."""

    def _epoch_at(self, sequence):
        return self._epochs[-1][1]


class SettlesTwice(SimulatedDatabase):
    """Looks only at the first sequence of a run."""

    def settle(self, batch):
        cursor = self.cursors[batch.market]
        if batch.first_sequence <= cursor.next_sequence <= batch.last_sequence:
            self.cursors[batch.market] = Cursor(batch.first_sequence, cursor.epoch)
        return super().settle(batch)


class SkipsWhatIsEarly(SimulatedDatabase):
    """Settles a run though an earlier one is missing."""

    def settle(self, batch):
        cursor = self.cursors[batch.market]
        if batch.first_sequence > cursor.next_sequence:
            self.cursors[batch.market] = Cursor(batch.first_sequence, cursor.epoch)
        return super().settle(batch)


class CommitsInTwo(SimulatedDatabase):
    """Queues the order's command before its hold is certain."""

    def place(self, placement):
        first = placement.orders[0]
        self.queue(first.market.id, first.customer_id, placement.command)
        super().place(placement)


def forgetful(replica):
    """Recovers the books, and not which commands were done."""
    replica.exchange.memory = CommandMemory()
    return replica


ALL = {
    "deletes too early": Broken(parts=Parts(loop=DeletesTooEarly)),
    "never syncs": Broken(parts=Parts(writer=NeverSyncs)),
    "names too early": Broken(parts=Parts(writer=NamingTooEarly)),
    "believes in its lease": Broken(parts=Parts(lease=BelievesInItsLease)),
    "forgets commands": Broken(parts=Parts(replica=forgetful)),
    "forgets what it could not start": Broken(parts=Parts(lane=ForgetsWhatItCouldNotStart)),
    "says the newest epoch": Broken(parts=Parts(lane=SaysTheNewestEpoch)),
    "settles twice": Broken(database=SettlesTwice),
    "skips what is early": Broken(database=SkipsWhatIsEarly),
    "commits in two": Broken(database=CommitsInTwo),
}
