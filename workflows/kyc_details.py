"""What the Temporal UI shows about a KYC case: facts, then what to do. Markdown, sealed."""

from __future__ import annotations

from datetime import datetime

from activities.kyc_messages import CaseFile
from compliance.kyc import KycState, approvals_needed
from workflows.kyc_messages import KycCase
from workflows.markdown import plain

_HEADLINES = {
    KycState.MANUAL_REVIEW: "Waiting for a compliance officer",
    KycState.FROZEN: "Frozen",
    KycState.NEEDS_INFO: "Waiting for the customer",
    KycState.VENDOR_PENDING: "Waiting for the vendor",
}


def current_details(case: KycCase, due_at: datetime | None) -> str:
    """Lists rather than tables, a blank line before each: what the UI renders well."""
    headline = _HEADLINES.get(case.state, str(case.state).replace("_", " ").capitalize())
    parts = [f"### {headline}", _facts(case, due_at)]
    if case.file is not None:
        parts.append(_file(case.file))
    parts.append("**What to do**\n\n" + _what_to_do(case))
    if case.notes:
        parts.append("**Notes**\n\n" + "\n".join(f"- {plain(note)}" for note in case.notes))
    return "\n\n".join(parts) + "\n"


def _facts(case: KycCase, due_at: datetime | None) -> str:
    lines = [
        f"- Customer: `{case.customer_id}`",
        f"- State: **{case.state}**",
        f"- Tier in force: {int(case.tier)}, asked for: {int(case.requested_tier)}",
        f"- Risk: **{case.risk_score}** of 100",
    ]
    if case.reasons:
        lines.append(f"- Reasons: {', '.join(case.reasons)}")
    if case.approvals:
        needed = approvals_needed(case.requested_tier, case.risk_score)
        lines.append(f"- Approvals: {len(case.approvals)} of {needed}: {', '.join(case.approvals)}")
    if due_at is not None:
        lines.append(f"- Decide by: {due_at:%Y-%m-%d %H:%M} UTC")
    if case.expires_at is not None:
        lines.append(f"- Approved until: {case.expires_at:%Y-%m-%d}")
    if case.question:
        lines.append(f"- Asked of the customer: {plain(case.question)}")
    return "\n".join(lines)


def _file(file: CaseFile) -> str:
    lines = [
        f"- Name: **{plain(file.full_name)}**",
        f"- Born: {plain(file.birth_date)}",
        f"- Lives in: {plain(file.country)}; nationality: {plain(file.nationality)}",
        f"- Address: {plain(file.address)}",
        *(f"- Document: {plain(document)}" for document in file.documents),
        *(f"- Check: {plain(finding)}" for finding in file.findings),
    ]
    text = "**Customer**\n\n" + "\n".join(lines)
    if file.matches:
        rows = [
            f"- **{match.score}** {plain(match.listed_name)} ({match.list_name} {match.uid}"
            f"{', ' + ', '.join(match.programs) if match.programs else ''}): {match.explanation}"
            for match in file.matches
        ]
        text += "\n\n**Possible list matches**\n\n" + "\n".join(rows)
    return text


def _what_to_do(case: KycCase) -> str:
    if case.state is KycState.MANUAL_REVIEW:
        return _review_steps(case)
    if case.state is KycState.FROZEN:
        return (
            "- `unfreeze` (senior officer, not the one who froze) puts the case back.\n"
            "- `reject` with `final: true` ends it.\n"
            "- Runbook: docs/runbooks/kyc.md"
        )
    return "- Nothing now. `freeze` stops the account at once; `add_note` keeps what you learned."


def _review_steps(case: KycCase) -> str:
    needed = approvals_needed(case.requested_tier, case.risk_score)
    lines = [
        "- Compare the facts above with the documents in the documents bucket.",
        '- More Actions, Send an Update, `approve`: `{"reason": "..."}`.',
        '- Not yet convinced: `request_info`: `{"question": "...", "reason": "..."}`.',
        '- Refuse: `reject`: `{"reason": "...", "reason_code": "...", "final": false}`.',
        "- A list match that is the same person: `freeze`; only a senior officer undoes it.",
    ]
    if needed > 1:
        lines.append(f"- {needed} different officers must approve this case.")
    if case.is_escalated:
        lines.append("- Escalated: one of them must be a senior officer.")
    lines.append("- Runbook: docs/runbooks/kyc.md")
    return "\n".join(lines)
