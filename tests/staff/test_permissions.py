"""Staff reach workflows through a table, a validator and a signature; none of them has a hole."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from temporalio import workflow

import workflows
from api.staff.access import refuse_unless_allowed, wish_of
from compliance.staff import PERMISSIONS, Role
from domain.errors import PermissionMissing
from workflows.case import CaseWorkflow
from workflows.deposit import DepositWorkflow
from workflows.kyc import KycWorkflow
from workflows.payment import PaymentWorkflow
from workflows.reconciliation import BreakWorkflow
from workflows.settlement import SettlementWorkflow
from workflows.staff import StaffAction
from workflows.withdrawal import WithdrawalWorkflow

NAMESPACE = "rialto"
WORKFLOWS = {
    "kyc": KycWorkflow,
    "case": CaseWorkflow,
    "deposit": DepositWorkflow,
    "withdrawal": WithdrawalWorkflow,
    "payment": PaymentWorkflow,
    "settlement": SettlementWorkflow,
    "break": BreakWorkflow,
}


def workflow_classes() -> Iterator[type[Any]]:
    """Every workflow there is."""
    for module in pkgutil.iter_modules(workflows.__path__):
        imported = importlib.import_module(f"workflows.{module.name}")
        for _, each in inspect.getmembers(imported, inspect.isclass):
            if each.__module__ == imported.__name__ and workflow._Definition.from_class(each):
                yield each


def staff_updates() -> Iterator[tuple[type[Any], str, Any]]:
    for each in workflow_classes():
        definition = workflow._Definition.must_from_class(each)
        for name, update in definition.updates.items():
            hints = [hint for key, hint in get_type_hints(update.fn).items() if key != "return"]
            if any(inspect.isclass(hint) and issubclass(hint, StaffAction) for hint in hints):
                yield each, name or "", update


STAFF_UPDATES = list(staff_updates())


def test_there_are_staff_updates_to_look_at():
    assert {(each, name) for each, name, _ in STAFF_UPDATES} >= {
        (KycWorkflow, "approve"),
        (CaseWorkflow, "close"),
        (WithdrawalWorkflow, "reject"),
        (DepositWorkflow, "clear"),
    }


@pytest.mark.parametrize(
    ("of", "name", "update"),
    STAFF_UPDATES,
    ids=[f"{each.__name__}.{name}" for each, name, _ in STAFF_UPDATES],
)
def test_every_staff_update_has_a_validator_and_a_description(of, name, update):
    assert update.validator is not None, f"{of.__name__}.{name} is not checked"
    assert update.description


@pytest.mark.parametrize(
    ("of", "name"),
    [(each, name) for each, name, _ in STAFF_UPDATES],
    ids=[f"{each.__name__}.{name}" for each, name, _ in STAFF_UPDATES],
)
def test_every_staff_update_stands_in_the_table(of, name):
    kinds = [kind for kind, known in WORKFLOWS.items() if known is of] or list(PERMISSIONS)

    assert any(name in PERMISSIONS.get(kind, {}) for kind in kinds)


@pytest.mark.parametrize(
    ("kind", "update"), [(kind, update) for kind, known in PERMISSIONS.items() for update in known]
)
def test_everything_in_the_table_is_something_workflows_do(kind, update):
    assert (WORKFLOWS[kind], update) in {(each, name) for each, name, _ in STAFF_UPDATES}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("workflow_id", "update"),
    [
        ("kyc/1001", "submit"),
        ("kyc/1001", "close_account"),
        ("kyc/1001", "make_me_rich"),
        ("withdrawal/w1", "cancel_by_customer"),
        ("monitoring/movements", "approve"),
        ("anything", "approve"),
        ("", ""),
    ],
)
def test_an_update_off_the_table_is_refused_to_everybody(role, workflow_id, update):
    path = f"/api/v1/namespaces/{NAMESPACE}/workflows/{workflow_id.replace('/', '%2F')}"

    with pytest.raises(PermissionMissing):
        refuse_unless_allowed(role, wish_of("POST", f"{path}/update/{update}", NAMESPACE))


def test_only_those_in_the_table_may_and_they_may():
    for kind, updates in PERMISSIONS.items():
        for update, roles in updates.items():
            path = f"/api/v1/namespaces/{NAMESPACE}/workflows/{kind}%2F7/update/{update}"
            wish = wish_of("POST", path, NAMESPACE)
            for role in Role:
                if role in roles:
                    refuse_unless_allowed(role, wish)
                    continue
                with pytest.raises(PermissionMissing):
                    refuse_unless_allowed(role, wish)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/other/workflows/kyc%2F7/update/approve"),
        ("GET", "/api/v1/namespaces/other/workflows"),
        ("POST", "/api/v1/namespaces/rialto/workflows/kyc%2F7/signal/freeze_now"),
        ("POST", "/api/v1/namespaces/rialto/workflows"),
        ("POST", "/api/v1/namespaces/rialto/batch-operations/x"),
        ("PUT", "/api/v1/namespaces/rialto/workflows/kyc%2F7/update/approve"),
        ("DELETE", "/api/v1/namespaces/rialto"),
        ("POST", "/api/v1/namespaces/rialto/workflows/kyc%2F7/../kyc%2F8/update/approve"),
        ("POST", "//api/v1/namespaces/rialto/workflows/kyc%2F7/update/approve"),
        ("POST", "/temporal.api.workflowservice.v1.WorkflowService/UpdateWorkflowExecution"),
    ],
)
def test_every_other_road_is_closed_also_to_seniors_and_engineers(method, path):
    for role in Role:
        with pytest.raises(PermissionMissing):
            refuse_unless_allowed(role, wish_of(method, path, NAMESPACE))


@pytest.mark.parametrize("action", ["cancel", "terminate", "reset", "pause"])
def test_workflows_are_stopped_by_engineers_only(action):
    path = f"/api/v1/namespaces/{NAMESPACE}/workflows/kyc%2F7/{action}"
    wish = wish_of("POST", path, NAMESPACE)

    refuse_unless_allowed(Role.ENGINEER, wish)
    for role in set(Role) - {Role.ENGINEER}:
        with pytest.raises(PermissionMissing, match="is for engineer"):
            refuse_unless_allowed(role, wish)
