# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.
"""The cluster keeps every rule, and each rule notices when it is broken."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.infra.cluster_rules import RULES, broken
from tests.infra.kubernetes import Manifest
from tests.infra.test_kubernetes import manifests

GONE = object()
POD = "spec.template.spec"
FIRST = f"{POD}.containers.0"


@pytest.fixture(scope="module", params=["dev", "prod"])
def cluster(request: pytest.FixtureRequest) -> list[Manifest]:
    return [*manifests(request.param), *manifests("once")]


@pytest.fixture(scope="module")
def production() -> list[Manifest]:
    return [*manifests("prod"), *manifests("once")]


def test_every_rule_is_kept(cluster: list[Manifest]) -> None:
    assert broken(cluster) == []


MISTAKES: dict[str, tuple[str, str, str, Any]] = {
    "api may run as root": ("Deployment", "api", f"{POD}.securityContext.runAsNonRoot", GONE),
    "web may run as root": ("Deployment", "web", f"{POD}.securityContext.runAsUser", 0),
    "api may make every system call": ("Deployment", "api", f"{POD}.securityContext.seccompProfile", GONE),
    "api gets a token": ("Deployment", "api", f"{POD}.automountServiceAccountToken", True),
    "staff sees the machine": ("Deployment", "staff", f"{POD}.hostNetwork", True),
    "api may write its root": ("Deployment", "api", f"{FIRST}.securityContext.readOnlyRootFilesystem", False),
    "api may gain privileges": ("Deployment", "api", f"{FIRST}.securityContext.privileged", True),
    "migrate may gain privileges": ("Job", "migrate", f"{FIRST}.securityContext.allowPrivilegeEscalation", GONE),
    "api keeps capabilities": ("Deployment", "api", f"{FIRST}.securityContext.capabilities.drop", ["NET_RAW"]),
    "api has an image without a version": ("Deployment", "api", f"{FIRST}.image", "rialto:latest"),
    "api does not say what it needs": ("Deployment", "api", f"{FIRST}.resources.limits", GONE),
    "order-relay does not say what it needs": ("Deployment", "order-relay", f"{FIRST}.resources.requests.cpu", GONE),
    "matching-engine has no readinessProbe": ("StatefulSet", "matching-engine", f"{FIRST}.readinessProbe", GONE),
    "signer-worker has no livenessProbe": ("Deployment", "signer-worker", f"{FIRST}.livenessProbe", GONE),
    "api has no time to end": ("Deployment", "api", f"{POD}.terminationGracePeriodSeconds", 1),
    "api may stand in one zone": ("Deployment", "api", f"{POD}.topologySpreadConstraints", GONE),
    "workflow-worker may stand in one zone": ("Deployment", "workflow-worker", f"{POD}.topologySpreadConstraints.0.topologyKey", "kubernetes.io/hostname"),
    "event-listener must be one": ("Deployment", "event-listener", "spec.replicas", 2),
    "api may be drained away": ("PodDisruptionBudget", "api", "", GONE),
    "the budget of matching-engine": ("PodDisruptionBudget", "matching-engine", "spec.maxUnavailable", 2),
    "api does not follow load": ("HorizontalPodAutoscaler", "api", "", GONE),
    "the scaler of web scales nothing": ("HorizontalPodAutoscaler", "web", "spec.maxReplicas", 3),
    "the engine is no StatefulSet": ("StatefulSet", "matching-engine", "kind", "Deployment"),
    "matching-engine loses the journal": ("StatefulSet", "matching-engine", f"{FIRST}.volumeMounts.2.name", "work"),
    "shipper loses the journal": ("Deployment", "shipper", f"{FIRST}.volumeMounts.2.name", "work"),
    "writer, standby and shipper have": ("Deployment", "shipper", f"{POD}.volumes.2.persistentVolumeClaim.claimName", "other"),
    "shipper must be one": ("Deployment", "shipper", "spec.replicas", 2),
    "a standby is taken for broken": ("StatefulSet", "matching-engine", f"{FIRST}.readinessProbe.httpGet.path", "/healthz"),
    "the journal is not encrypted": ("StorageClass", "gp3-encrypted", "parameters.encrypted", "false"),
    "the journal is deleted": ("StorageClass", "gp3-encrypted", "reclaimPolicy", "Delete"),
    "matching-engine may stand away": ("StatefulSet", "matching-engine", f"{POD}.affinity", GONE),
    "shipper may stand away": ("Deployment", "shipper", f"{POD}.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey", "topology.kubernetes.io/zone"),
    "in rialto-signer everybody may talk": ("NetworkPolicy", "default-deny", "", GONE),
    "policy api opens everything": ("NetworkPolicy", "api", "spec.egress", [{}]),
    "policy signer-worker lets somebody call": ("NetworkPolicy", "signer-worker", "spec.ingress", [{"from": [{"podSelector": {}}]}]),
    "rialto takes pods that are not restricted": ("Namespace", "rialto", "metadata.labels", {}),
    "signer-worker stands in rialto": ("Deployment", "signer-worker", "metadata.namespace", "rialto"),
    "two processes share the account": ("Deployment", "api", f"{POD}.serviceAccountName", "staff"),
    "api takes the role": ("ServiceAccount", "api", "metadata.annotations", {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/rialto-prod-signer-worker"}),
    "nobody migrates": ("Job", "migrate", "", GONE),
    "api has the owner's login": ("Deployment", "api", f"{FIRST}.envFrom.1.secretRef.name", "migrate"),
    "RIALTO_SESSION_SECRET is a secret": ("ConfigMap", "rialto", "data.RIALTO_SESSION_SECRET", "x"),
    "RIALTO_SEARCH is a secret": ("ConfigMap", "rialto", "data.RIALTO_SEARCH", "https://me:word@search"),
    "api has RIALTO_TOKEN in its manifest": ("Deployment", "api", f"{FIRST}.env.0", {"name": "RIALTO_TOKEN", "value": "x"}),
    "api has secrets in the manifest": ("ExternalSecret", "api", "kind", "Secret"),
}  # fmt: skip


def seeded(cluster: list[Manifest], mistake: tuple[str, str, str, Any]) -> list[Manifest]:
    """The manifests with one of them changed or gone."""
    kind, name, path, value = mistake
    meant = [
        at for at, e in enumerate(cluster) if (e["kind"], e["metadata"]["name"]) == (kind, name)
    ]
    assert meant, f"there is no {kind} {name}: seed the mistake anew"
    before, changed, after = cluster[: meant[0]], cluster[meant[0]], cluster[meant[0] + 1 :]
    if not path:
        return [*before, *after]
    changed = copy.deepcopy(changed)
    _put(changed, path.split("."), value)
    return [*before, changed, *after]


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_broken_rule_is_seen(sentence: str, production: list[Manifest]) -> None:
    told = broken(seeded(production, MISTAKES[sentence]))

    assert any(each.startswith(sentence) for each in told), told


def test_every_rule_has_a_mistake_that_breaks_it(production: list[Manifest]) -> None:
    seen = {
        rule.__name__
        for mistake in MISTAKES.values()
        for rule in RULES
        if list(rule(seeded(production, mistake)))
    }

    assert seen == {rule.__name__ for rule in RULES}


def _put(node: Any, path: list[str], value: Any) -> None:
    """Change, add or take out what the path leads to; numbers lead into lists."""
    *way, last = path
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    place: Any = int(last) if isinstance(node, list) else last
    if value is GONE:
        del node[place]
    else:
        node[place] = value
