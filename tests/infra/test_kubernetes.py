# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.rialto import ROWS
from tests.infra import edge
from tests.infra.kubernetes import Manifest, problems, workloads
from tests.infra.tools import ROOT, TOOLS, render, run

OVERLAYS = ("dev", "prod")
VERSIONS = ("1.32", "1.33")
DEVELOPMENT_ONLY = {"kyc-vendor", "miner"}
WITHOUT_SCHEMA = {"ExternalSecret", "ClusterSecretStore"}
"""External Secrets' own kinds; everything else must match strictly."""


def manifests(overlay: str, root: Path = ROOT) -> list[Manifest]:
    rendered = render(overlay, root)
    assert rendered.returncode == 0, rendered.stderr
    return [each for each in yaml.safe_load_all(rendered.stdout) if each]


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[str, list[Manifest]]:
    return request.param, [*manifests(request.param), *manifests("once")]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_known(
    version: str, overlay: tuple[str, list[Manifest]], tmp_path: Path
) -> None:
    checked = [each for each in overlay[1] if each["kind"] not in WITHOUT_SCHEMA]
    file = tmp_path / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(checked), encoding="utf-8")

    judged = run(TOOLS / "kubernetes-validate", "-k", version, "--strict", file)

    assert judged.returncode == 0, judged.stdout
    assert "WARN" not in judged.stdout


def test_everything_hangs_together(overlay: tuple[str, list[Manifest]]) -> None:
    assert problems(overlay[1]) == []


def test_ways_in_are_few_and_guarded(overlay: tuple[str, list[Manifest]]) -> None:
    name, rendered = overlay

    assert edge.ingress_problems(rendered) == []
    assert edge.trust_stores(rendered) == {f"rialto-{name}-origin-pull"}
    assert {"/v1/ws", "/ws", "/stream", "/ws-api/v3"} <= edge.sockets()


def test_the_pages_know_the_address_they_are_called_by(
    overlay: tuple[str, list[Manifest]],
) -> None:
    """Cookies and checks of a request's origin hang on it."""
    [origin] = [
        entry["value"]
        for pod in workloads(overlay[1])
        for container in pod.containers()
        for entry in container.get("env", [])
        if entry["name"] == "ORIGIN"
    ]
    assert origin.removeprefix("https://") in edge.hosts(overlay[1])


def test_the_signer_stands_alone(overlay: tuple[str, list[Manifest]]) -> None:
    inside = {pod.labels["app.kubernetes.io/name"] for pod in workloads(overlay[1])
              if pod.namespace == "rialto-signer"}  # fmt: skip

    assert inside == {"signer-worker", "seal-seed"}
    for name in OVERLAYS:  # The owner's login is there for one command only.
        assert "rialto/migrate/environment" not in yaml.safe_dump_all(
            [
                each
                for each in manifests(name)
                if each["metadata"].get("namespace") == "rialto-signer"
            ]
        )


def test_overlays_change_what_they_name() -> None:
    sizes: dict[str, dict[str, Any]] = {}
    for name in OVERLAYS:
        sizes[name] = {
            each["metadata"]["name"]: each["spec"]["replicas"]
            for each in manifests(name)
            if each["kind"] == "Deployment"
        }
    assert sizes["prod"]["api"] == 3
    assert set(sizes["dev"].values()) == {1}


def test_service_accounts_take_the_role_of_their_process(
    overlay: tuple[str, list[Manifest]],
) -> None:
    name, all_manifests = overlay
    without = {"migrate", "web"}  # They talk to PostgreSQL, and to the API; to nothing of AWS.
    for each in all_manifests:
        if each["kind"] == "ServiceAccount" and each["metadata"]["name"] not in without:
            role = each["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
            assert role.endswith(f"role/rialto-{name}-{each['metadata']['name']}")


def test_every_process_of_make_up_runs_in_the_cluster() -> None:
    commands = {
        container["command"][-1]
        for pod in workloads(manifests("prod"))
        for container in pod.containers()
    }
    local = {row.module for row in ROWS if not row.module.startswith("devstack.")}

    assert local <= commands


MISTAKES = {
    "a field that does not exist": ("base/api.yaml", "  strategy:", "  stratgy:"),
    "a selector that matches nothing": (
        "base/api.yaml", "      app.kubernetes.io/name: api\n  template", "      app.kubernetes.io/name: apo\n  template"),
    "a scaler of nothing": ("base/api.yaml", "    kind: Deployment\n    name: api", "    kind: Deployment\n    name: apo"),
    "a bad quantity": ("base/api.yaml", "cpu: 1\n", "cpu: 250mm\n"),
    "a port by the wrong name": ("base/api.yaml", "      targetPort: http", "      targetPort: htp"),
    "a missing volume": ("base/api.yaml", "        - name: work\n          emptyDir", "        - name: wrk\n          emptyDir"),
    "a text for a number": ("base/api.yaml", "containerPort: 8000", "containerPort: http"),
    "a file that is not there": ("base/kustomization.yaml", "  - api.yaml", "  - apo.yaml"),
    "a variable from a key that is not there": ("base/web.yaml", "key: RIALTO_STAFF_URL", "key: RIALTO_STAF_URL"),
    "pages exposed without mutual TLS": ("overlays/prod/kustomization.yaml", '"mode": "verify"', '"mode": "passthrough"'),
    "pages exposed to every address": ("overlays/prod/kustomization.yaml", "value: 192.0.2.0/24", "value: 0.0.0.0/0"),
    "pages exposed without TLS": ("base/ingress.yaml", "scheme: internal\n", "scheme: internet-facing\n"),
    "WebSockets without a way in": ("base/ingress.yaml", "          - path: /stream\n", "          - path: /streams\n"),
    "the API round its gateway": ("base/ingress.yaml", "          - path: /v1/ws\n", "          - path: /v1\n"),
    "a secret store that is not there": ("base/secret-store.yaml", "name: aws-secrets-manager", "name: aws-secret-manager"),
    "a missing service": ("base/ingress.yaml", "                name: api\n", "                name: apo\n"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_seeded_mistake_is_caught(mistake: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    name, right, wrong = MISTAKES[mistake]
    path = tmp_path / "k8s" / name
    text = path.read_text(encoding="utf-8")
    assert right in text, f"{name} changed: seed the mistake anew"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    rendered = render("prod", tmp_path)
    if rendered.returncode:
        return
    found = [each for each in yaml.safe_load_all(rendered.stdout) if each]
    if [*problems(found), *edge.ingress_problems(found)]:
        return
    file = tmp_path / "rendered.yaml"
    checked = [each for each in found if each["kind"] not in WITHOUT_SCHEMA]
    file.write_text(yaml.safe_dump_all(checked), encoding="utf-8")
    judged = run(TOOLS / "kubernetes-validate", "-k", VERSIONS[0], "--strict", file)
    assert judged.returncode, f"{mistake} was not caught"
