import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack import environment, whole
from devstack.parts import select
from devstack.probes import valkey_ping
from devstack.process import read_record
from devstack.rented import RentedStack
from devstack.rialto import ROWS
from devstack.site import Site
from devstack.stack import StackError
from tests.devstack.waiting import eventually

pytestmark = pytest.mark.stack


@pytest.fixture
def own() -> Iterator[RentedStack]:
    rented = RentedStack()
    yield rented
    rented.close()


def rialto(stack: RentedStack, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    site = {"RIALTO_HOME": str(stack.site.home), "RIALTO_PORT_BASE": str(stack.site.port_base)}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        env={**os.environ, "COLUMNS": "200", **site, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_taken_port_is_named_with_its_part_and_the_way_out(own: RentedStack):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", own.port("valkey")))
        squatter.listen()

        answer = rialto(own, "up", "--only", "valkey")

    assert answer.returncode == 1
    assert f"valkey needs port {own.port('valkey')}, which is taken" in answer.stdout
    assert f"(pid {os.getpid()})" in answer.stdout
    assert "RIALTO_PORT_VALKEY=" in answer.stdout
    assert "RIALTO_PORT_BASE=" in answer.stdout


def test_one_port_can_be_moved_and_stays_moved(own: RentedStack):
    elsewhere = own.port("web")  # Free, and not Valkey's.

    assert rialto(own, "up", "--only", "valkey", RIALTO_PORT_VALKEY=str(elsewhere)).returncode == 0

    valkey_ping(elsewhere)
    assert Site.load({"RIALTO_HOME": str(own.site.home)}).port("valkey") == elsewhere


def test_second_up_reuses_what_runs(own: RentedStack):
    rialto(own, "up", "--only", "valkey,roto")
    before = [own.pid("valkey"), own.pid("roto")]

    answer = rialto(own, "up", "--only", "valkey,roto")

    assert answer.returncode == 0
    assert answer.stdout.count("already running") == 2
    assert [own.pid("valkey"), own.pid("roto")] == before


def test_status_tells_programs_about_each_part(own: RentedStack):
    own.require("valkey")

    answer = rialto(own, "status", "--json")

    part, supervisor = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert part["rss_bytes"] > 0
    assert part == {
        "name": "valkey",
        "kind": "server",
        "address": f"127.0.0.1:{own.port('valkey')}",
        "healthy": True,
        "problem": "",
        "pid": own.pid("valkey"),
        "rss_bytes": part["rss_bytes"],
        "lag": None,
    }
    assert supervisor["name"] == "supervisor"
    assert supervisor["healthy"]


def test_status_fails_when_nothing_runs(own: RentedStack):
    assert rialto(own, "status", "--json").returncode == 1


def test_unknown_part_is_answered_with_the_known_ones(own: RentedStack):
    answer = rialto(own, "up", "--only", "cassandra")

    assert answer.returncode == 1
    assert "no part is called cassandra; there are: postgres, temporal" in answer.stdout


def test_part_that_stops_at_once_shows_the_end_of_its_log(own: RentedStack):
    own.site.save()
    (own.site.directory("valkey") / "appendonlydir").write_text("not a directory")

    answer = rialto(own, "up", "--only", "valkey")

    assert answer.returncode == 1
    assert "valkey stopped right after its start" in answer.stdout
    assert "appendonlydir" in answer.stdout


def test_down_ends_every_process_and_keeps_data(own: RentedStack):
    own.require("valkey", "roto")
    pids = [own.pid("valkey"), own.pid("roto")]

    whole.down(own.site)

    assert not any(psutil.pid_exists(pid) and _runs(pid) for pid in pids if pid)
    assert not whole.supervisor_is_alive(own.site)
    assert (own.site.home / "valkey" / "appendonlydir").exists()


def test_supervisor_that_dies_is_replaced_by_the_next_up(own: RentedStack):
    own.require("valkey")
    record = read_record(own.site.home / "run" / "supervisor.json")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)

    rialto(own, "up", "--only", "valkey")

    assert whole.supervisor_is_alive(own.site)


def test_stack_of_a_killed_test_session_goes_away():
    program = (
        "from devstack.rented import RentedStack; stack = RentedStack(); stack.require('valkey');"
        "print(stack.site.home, stack.pid('valkey'), flush=True); input()"
    )
    session = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert session.stdout is not None
    home, pid = session.stdout.readline().split()

    session.kill()
    session.wait()

    assert eventually(lambda: not _runs(int(pid)) and not Path(home).exists())


def test_only_the_signer_has_the_role_and_nobody_sees_what_it_need_not():
    by_role = {row.name: row.role for row in ROWS}
    sees_nodes = {row.name for row in ROWS if "RIALTO_BITCOIN_RPC_URL" in row.sees}

    assert [name for name, role in by_role.items() if role == "rialto_signer"] == ["signer_worker"]
    assert "rialto_owner" not in by_role.values()
    assert sees_nodes == {"bitcoin_worker", "event_listener"}


def test_environment_file_is_closed_to_others_and_can_be_sourced(own: RentedStack):
    own.site.save()
    environment.write_file(own.site)
    file = own.site.home / "env"

    shown = subprocess.run(
        ["bash", "-c", f". {file} && printenv RIALTO_BITCOIN_NETWORK"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout == "regtest\n"
    assert file.stat().st_mode & 0o077 == 0


def test_needs_are_selected_with_the_part():
    parts, steps = select(["miner"])

    assert [part.name for part in parts] == ["bitcoind", "miner"]
    assert steps == []


def test_process_is_selected_with_the_steps_before_it():
    parts, steps = select(["api"])

    assert {"postgres", "miner", "ministack", "api"} <= {part.name for part in parts}
    assert [step.name for step in steps] == ["migrate", "seed"]


def test_part_cannot_start_twice(own: RentedStack):
    own.require("valkey")
    from devstack.stack import Stack

    with pytest.raises(StackError, match="which is taken by valkey-server"):
        Stack(own.site).launch(own.part("valkey"))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
