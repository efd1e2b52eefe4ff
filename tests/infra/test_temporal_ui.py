"""In production nobody reaches Temporal's UI or frontend but through the staff portal's login."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.infra.kubernetes import Manifest
from tests.infra.test_kubernetes import manifests
from tests.infra.tools import ROOT

UI_PORTS = {8080, 8088, 8233}
FRONTEND_PORT = 7233


@pytest.fixture(scope="module")
def production() -> list[Manifest]:
    return manifests("prod")


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "k8s/temporal/values.yaml").read_text())
    return found


def test_temporals_own_chart_opens_nothing_to_the_outside():
    web, frontend = values()["web"], values()["server"]["frontend"]

    assert web["ingress"]["enabled"] is False
    assert web["service"]["type"] == frontend["service"]["type"] == "ClusterIP"
    assert "ingress" not in frontend


def test_no_process_but_the_staff_portal_may_talk_to_the_ui(production: list[Manifest]):
    """Everything else is denied (test_kubernetes), so what a policy does not open is closed."""
    policies = [each for each in production if each["kind"] == "NetworkPolicy"]
    open_to_all = [
        _chosen(policy)
        for policy in policies
        for rule in policy["spec"].get("egress", [])
        if UI_PORTS & {port.get("port") for port in rule.get("ports", [])} or "ports" not in rule
    ]

    assert policies
    assert set(open_to_all) <= {"staff"}


def test_no_service_or_ingress_of_ours_leads_to_temporal(production: list[Manifest]):
    for each in production:
        if each["kind"] == "Service":
            assert each["spec"].get("type", "ClusterIP") == "ClusterIP", each["metadata"]["name"]
            ports = {port["port"] for port in each["spec"].get("ports", [])}
            assert FRONTEND_PORT not in ports
        if each["kind"] == "Ingress":
            assert "temporal" not in yaml.safe_dump(each)


def test_compose_publishes_temporal_to_this_machine_at_most():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    for port in compose["services"]["temporal"].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def _chosen(policy: Manifest) -> str:
    labels = policy["spec"]["podSelector"].get("matchLabels", {})
    return str(labels.get("app.kubernetes.io/name", policy["metadata"]["name"]))
