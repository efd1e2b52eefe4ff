"""Traces ride on frames when somebody traces, and cost the order path nothing when nobody does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import commands
from streams import tracing
from streams.frames import MalformedFrame, pack, trace_of, unpack

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PLACED = commands.place(command_id=1, owner=2, order_id=3, terms=1, price=4, lots=5)


def test_a_traced_frame_says_the_same_commands_and_its_trace():
    [plain] = pack([("BTC-USDT", PLACED)], group="spot")
    [traced] = pack([("BTC-USDT", PLACED)], group="spot", trace=TRACE)

    assert unpack(traced.body) == unpack(plain.body) == [("BTC-USDT", [PLACED])]
    assert trace_of(traced.body.encode()) == TRACE
    assert trace_of(plain.body.encode()) == ""


def test_a_frame_without_a_trace_is_what_it_always_was():
    [frame] = pack([("BTC-USDT", PLACED)], group="spot")

    assert frame.body == '[1,[["BTC-USDT",[[1,1,2,3,1,4,5]]]]]'


@pytest.mark.parametrize("body", ['[2,"', '[2,"x"]', '[2,"x",[["M",[[1,2]]]]]', '[3,"x",[]]'])
def test_what_is_no_traced_frame_is_put_aside(body: str):
    with pytest.raises(MalformedFrame):
        unpack(body)


def test_nothing_is_traced_unless_asked_for():
    with tracing.span("nothing"):
        assert tracing.current() == ""
    assert not tracing.is_on()
    assert tracing.temporal_interceptors() == []


def test_a_span_of_another_process_is_its_parent_and_further_causes_are_linked(tmp_path: Path):
    other = "00-11112222333344445555666677778888-00f067aa0ba902b7-01"
    code = f"""
from streams import tracing
tracing.configure("one", {{"RIALTO_TRACES": "file:{tmp_path}"}})
with tracing.span("work", ["{TRACE}", "{other}"], frames=2):
    print(tracing.current())
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()

    [line] = (tmp_path / "one.jsonl").read_text().splitlines()
    span = json.loads(line)
    assert span["trace"] == TRACE.split("-")[1]
    assert span["parent"] == TRACE.split("-")[2]
    assert span["links"] == [other.split("-")[1]]
    assert (span["process"], span["name"], span["attributes"]) == ("one", "work", {"frames": 2})
    assert printed == f"00-{span['trace']}-{span['span']}-01"
