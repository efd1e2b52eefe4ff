import os
import signal
from pathlib import Path

import pytest

from devstack.rented import RentedStack
from tests.devstack.waiting import eventually

pytestmark = pytest.mark.stack

FORKED = "kyc_vendor"


@pytest.fixture
def running(stack: RentedStack) -> RentedStack:
    stack.require(FORKED)
    return stack


def command_line(pid: int | None) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")[1:]


def test_forked_process_looks_like_one_started_by_itself(running: RentedStack):
    pid = running.pid(FORKED)

    assert command_line(pid) == ["-m", "devstack.kyc_vendor"]
    assert Path(f"/proc/{pid}/comm").read_text() == "kyc_vendor\n"
    assert os.getsid(pid or 0) == pid


def test_forked_process_outlives_the_nursery_and_both_come_back(running: RentedStack):
    vendor = running.pid(FORKED)

    nursery = running.kill("nursery")
    assert running.is_healthy(FORKED)
    assert running.pid(FORKED) == vendor
    assert eventually(lambda: running.pid("nursery") not in (None, nursery))
    running.kill(FORKED)

    assert eventually(lambda: running.pid(FORKED) not in (None, vendor))
    assert eventually(lambda: running.is_healthy(FORKED))
    assert eventually(lambda: running.is_healthy("nursery"))


def test_forked_process_is_not_left_as_a_zombie(running: RentedStack):
    vendor = running.pid(FORKED)
    assert vendor is not None

    os.kill(vendor, signal.SIGKILL)

    assert eventually(lambda: not Path(f"/proc/{vendor}").exists())
    assert eventually(lambda: running.is_healthy(FORKED))
