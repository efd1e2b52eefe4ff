"""Processes that serve are not stopped by full collections of what they imported."""

import json
import subprocess
import sys

PROGRAM = """
import gc, json
import temporalio.worker
from streams import collector

before = len(gc.get_objects())
collector.calm()
looked_at = []
gc.callbacks.append(lambda phase, about: looked_at.append(about["generation"]))
cycles = [[] for _ in range(15_000)]
for cycle in cycles:
    cycle.append(cycle)
print(json.dumps([gc.get_freeze_count() / before, len(looked_at), gc.isenabled()]))
"""


def test_what_was_imported_is_left_alone_and_the_rest_is_collected_more_seldom():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    frozen, collections, is_enabled = json.loads(run.stdout)

    assert frozen > 0.9
    assert collections == 0  # By default one after every 700 new objects.
    assert is_enabled
