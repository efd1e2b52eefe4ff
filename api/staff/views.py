"""Columns and saved views that staff find in the Temporal UI, put there by a small script."""

from __future__ import annotations

import json

from compliance.staff import Role

_COLUMNS = (
    "Status", "Workflow ID", "State", "Reason", "CustomerId", "RiskScore", "Queue", "DueAt",
    "Asset", "Start",
)  # fmt: skip

_OFFICERS_VIEWS = {
    "Waiting for me": '`NeedsHuman`=true AND `Queue`="compliance"',
    "Escalated": '`NeedsHuman`=true AND `Queue`="senior"',
    "High risk": "`NeedsHuman`=true AND `RiskScore`>=60",
    "KYC": '`WorkflowType`="KycWorkflow" AND `ExecutionStatus`="Running"',
    "Cases": '`WorkflowType`="CaseWorkflow" AND `ExecutionStatus`="Running"',
    "Withdrawals in review": '`WorkflowType`="WithdrawalWorkflow" AND `NeedsHuman`=true',
    "Frozen": '`State`="frozen"',
}
_REPAIRERS_VIEWS = {
    "Needs a human": "`NeedsHuman`=true",
    # Oldest first by the column Start; Reason says why, Pending Activities the rest.
    "Stuck withdrawals": '`WorkflowType`="WithdrawalWorkflow" AND `ExecutionStatus`="Running" AND '
    '(`Queue`="operations" OR `State` IN ("approved", "reserved", "broadcast", "seen"))',
    "Withdrawals": '`WorkflowType`="WithdrawalWorkflow" AND `ExecutionStatus`="Running"',
    "Deposits": '`WorkflowType`="DepositWorkflow" AND `ExecutionStatus`="Running"',
    "Settlement": '`WorkflowType`="SettlementWorkflow" AND `ExecutionStatus`="Running"',
    "Failed": '`ExecutionStatus`="Failed" OR `ExecutionStatus`="TimedOut"',
}
VIEWS = {
    Role.VIEWER: _REPAIRERS_VIEWS,
    Role.COMPLIANCE: _OFFICERS_VIEWS,
    Role.SENIOR_COMPLIANCE: _OFFICERS_VIEWS,
    Role.OPERATIONS: _REPAIRERS_VIEWS,
    Role.ENGINEER: _REPAIRERS_VIEWS,
}

_SCRIPT = """\
(() => {
  const wanted = %s;
  for (const [key, value] of Object.entries(wanted)) {
    // An officer's own changes stay; ours come back when the namespace has none.
    let stored = {};
    try { stored = JSON.parse(localStorage.getItem(key)) || {}; } catch { stored = {}; }
    const entry = stored[value.namespace];
    if (!entry || entry.length === 0) {
      stored[value.namespace] = value.entries;
      localStorage.setItem(key, JSON.stringify(stored));
    }
  }
  addEventListener('DOMContentLoaded', () => {
    const who = document.createElement('form');
    who.method = 'post';
    who.action = '/staff/logout';
    who.style.cssText = 'position:fixed;right:12px;bottom:12px;z-index:99;padding:6px 12px;' +
      'border-radius:8px;background:#141414;color:#f8fafc;font:13px sans-serif;' +
      'display:flex;gap:10px';
    const name = document.createElement('span');
    name.textContent = %s;
    const leave = document.createElement('button');
    leave.textContent = 'Sign out';
    leave.style.cssText = 'background:none;border:0;color:#93c5fd;cursor:pointer;font:inherit';
    const figures = document.createElement('a');
    figures.href = '/staff/overview';
    figures.textContent = 'Figures';
    figures.style.cssText = 'color:#93c5fd';
    who.append(name, figures, leave);
    document.body.append(who);
  });
})();
"""


def portal_script(login: str, role: Role, namespace: str) -> str:
    """Seeds the browser's storage, which is where this UI keeps columns and views."""
    views = [
        {"id": f"rialto-{number}", "name": name, "query": query, "type": "user"}
        for number, (name, query) in enumerate(VIEWS[role].items())
    ]
    wanted = {
        "namespace-workflow-table-columns": {
            "namespace": namespace,
            "entries": [{"label": label} for label in _COLUMNS],
        },
        "saved-workflow-queries": {"namespace": namespace, "entries": views},
    }
    who = f"{login}, {str(role).replace('_', ' ')}"
    return _SCRIPT % (json.dumps(wanted), json.dumps(who))
