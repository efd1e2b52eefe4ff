"""What the Temporal UI shows about a case. Markdown, sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from temporalio import workflow

from compliance.cases import OUTCOMES, approvals_needed
from workflows.markdown import plain

if TYPE_CHECKING:
    from workflows.case import Case


def current_details(case: Case, *, is_closed: bool) -> str:
    """Lists rather than tables, a blank line before each: what the UI renders well."""
    headline = f"Closed: {case.outcome}" if is_closed else "Waiting for a compliance officer"
    facts = [
        f"- Customer: {_link(f'kyc/{case.customer_id}')}",
        f"- Risk: **{case.risk_score}** of 100",
        f"- Opened: {case.opened_at:%Y-%m-%d %H:%M} UTC",
    ]
    if is_closed:
        facts.append(f"- Reason: {plain(case.reason)}")
    elif case.due_at is not None:
        facts.append(f"- Decide by: {case.due_at:%Y-%m-%d %H:%M} UTC")
    parts = [f"### {headline}", "\n".join(facts), "**What was found**\n\n" + _alerts(case)]
    if not is_closed:
        parts.append("**What to do**\n\n" + _what_to_do(case))
    if case.notes:
        parts.append("**Notes**\n\n" + "\n".join(f"- {plain(note)}" for note in case.notes))
    return "\n\n".join(parts) + "\n"


def _alerts(case: Case) -> str:
    lines = []
    for alert in case.alerts:
        links = ", ".join(_link(reference) for reference in alert.references)
        lines.append(f"- **{alert.score}** {alert.rule}: {alert.sentence}. {links}")
    return "\n".join(lines)


def _what_to_do(case: Case) -> str:
    needed = approvals_needed("no_concern", case.risk_score)
    lines = [
        "- Look at the customer and at the movements above.",
        f'- `close`: `{{"outcome": "...", "reason": "..."}}`; outcomes: {", ".join(OUTCOMES)}.',
        "- `freeze` stops the account at once; `escalate` hands the case to a senior officer.",
    ]
    if needed > 1:
        lines.append(f"- To close it with no concern, {needed} different officers must say so.")
    if case.is_escalated:
        lines.append("- Escalated: one of them must be a senior officer.")
    lines.append("- Runbook: docs/runbooks/cases.md")
    return "\n".join(lines)


def _link(workflow_id: str) -> str:
    namespace = workflow.info().namespace
    return f"[{workflow_id}](/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')})"
