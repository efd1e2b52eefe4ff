"""Judges IAM policies: `python policies.py FILE` prints what is wrong; exit 1 if anything."""

import json
import sys
from pathlib import Path

import parliament

# A star is right for key policies (the key itself); the ARNs of stand-in resources are made up.
ACCEPTED = {"RESOURCE_STAR", "RESOURCE_MISMATCH", "EXTERNAL_PRINCIPAL", "MALFORMED"}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


wrong = 0
for address, policy in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).items():
    for statement in policy["Statement"]:
        wide = [each for each in listed(statement.get("Action", [])) if each.split(":")[-1] == "*"]
        if statement["Effect"] == "Allow" and wide:
            wrong += 1
            sys.stdout.write(f"{address}: ALLOWS_EVERYTHING {wide}\n")
    for finding in parliament.analyze_policy_string(json.dumps(policy)).findings:
        if finding.issue not in ACCEPTED:
            wrong += 1
            sys.stdout.write(f"{address}: {finding.issue} {finding.detail} {finding.location}\n")
sys.exit(1 if wrong else 0)
