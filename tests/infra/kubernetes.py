"""What a JSON schema cannot see in rendered manifests: references, selectors, quantities, ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
QUANTITY = re.compile(r"^(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i)?$")
ENUMS = {
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "restartPolicy": {"Always", "OnFailure", "Never"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "pathType": {"Prefix", "Exact", "ImplementationSpecific"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
}


@dataclass(frozen=True)
class Workload:
    """A pod template and who owns it."""

    owner: Manifest
    template: Manifest

    @property
    def namespace(self) -> str:
        namespace: str = self.owner["metadata"].get("namespace", "")
        return namespace

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.template["metadata"].get("labels", {})
        return labels

    def containers(self) -> Iterator[Manifest]:
        yield from self.template["spec"]["containers"]
        yield from self.template["spec"].get("initContainers", [])

    def ports(self) -> set[str]:
        return {port["name"] for each in self.containers() for port in each.get("ports", [])}


def workloads(manifests: list[Manifest]) -> list[Workload]:
    kinds = {"Deployment", "StatefulSet", "Job"}
    return [Workload(each, each["spec"]["template"]) for each in manifests if each["kind"] in kinds]


def problems(manifests: list[Manifest]) -> list[str]:
    """Sentences, one per problem; none for manifests that hang together."""
    known = {(each["kind"], _namespace(each), each["metadata"]["name"]) for each in manifests}
    known |= {
        ("ConfigMap", _namespace(each), f"{each['metadata']['name']}.{key}")
        for each in manifests
        if each["kind"] == "ConfigMap"
        for key in each["data"]
    }
    pods = workloads(manifests)
    found = [f"{_name(each)}: {text}" for each in manifests for text in _values(each)]
    for pod in pods:
        texts = [*_references(pod, known), *_selector(pod), *_ports(pod)]
        found += [f"{_name(pod.owner)}: {text}" for text in texts]
    for each in manifests:
        found += [f"{_name(each)}: {text}" for text in _targets(each, known, pods)]
    return found


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _namespace(manifest: Manifest) -> str:
    namespace: str = manifest["metadata"].get("namespace", "")
    return namespace


def _values(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _values(each, path)
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _value(key, value, f"{path}.{key}")
            yield from _values(value, f"{path}.{key}")


def _value(key: str, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and value not in ENUMS.get(key, {value}):
        yield f"{path} cannot be {value!r}"
    if key in {"limits", "requests"} and isinstance(value, dict):
        for what, quantity in value.items():
            if not QUANTITY.match(str(quantity)):
                yield f"{path}.{what}: {quantity!r} is no quantity"


def _references(pod: Workload, known: set[tuple[str, str, str]]) -> Iterator[str]:
    spec = pod.template["spec"]
    claims = pod.owner["spec"].get("volumeClaimTemplates", [])
    volumes = {each["name"] for each in spec.get("volumes", [])}
    volumes |= {each["metadata"]["name"] for each in claims}
    for container in pod.containers():
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"mounts {mount['name']}, which is no volume"
    sources = [each for container in pod.containers() for each in container.get("envFrom", [])]
    needed = [("ServiceAccount", spec["serviceAccountName"])]
    needed += [
        ("ConfigMap", each["configMapRef"]["name"]) for each in sources if "configMapRef" in each
    ]
    needed += [
        ("ExternalSecret", each["secretRef"]["name"]) for each in sources if "secretRef" in each
    ]
    keys = [
        each["valueFrom"]["configMapKeyRef"]
        for container in pod.containers()
        for each in container.get("env", [])
        if "valueFrom" in each
    ]
    needed += [("ConfigMap", f"{each['name']}.{each['key']}") for each in keys]
    needed += [
        ("PersistentVolumeClaim", each["persistentVolumeClaim"]["claimName"])
        for each in spec.get("volumes", [])
        if "persistentVolumeClaim" in each
    ]
    for kind, name in needed:
        if (kind, pod.namespace, name) not in known:
            yield f"refers to {kind} {name}, which is not here"


def _selector(pod: Workload) -> Iterator[str]:
    wanted = pod.owner["spec"].get("selector", {}).get("matchLabels", {})
    if not wanted.items() <= pod.labels.items():
        yield f"selects {wanted}, its pods have {pod.labels}"


def _ports(pod: Workload) -> Iterator[str]:
    for container in pod.containers():
        names = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            check = container.get(probe, {})
            port = check.get("httpGet", check.get("tcpSocket", {})).get("port")
            if isinstance(port, str) and port not in names:
                yield f"{probe} asks port {port}, which the container has not"


def _targets(
    manifest: Manifest, known: set[tuple[str, str, str]], pods: list[Workload]
) -> Iterator[str]:
    spec, namespace = manifest.get("spec", {}), _namespace(manifest)
    if manifest["kind"] in {"Service", "PodDisruptionBudget", "NetworkPolicy"}:
        yield from _selected(spec, [pod for pod in pods if pod.namespace == namespace])
    needed = []
    if manifest["kind"] == "HorizontalPodAutoscaler":
        needed = [(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])]
    if manifest["kind"] == "ExternalSecret":
        store = spec["secretStoreRef"]
        if (store["kind"], "", store["name"]) not in known:
            yield f"asks {store['kind']} {store['name']}, which is not here"
    if manifest["kind"] == "Ingress":
        paths = [path for rule in spec["rules"] for path in rule["http"]["paths"]]
        needed = [("Service", path["backend"]["service"]["name"]) for path in paths]
    for kind, name in needed:
        if (kind, namespace, name) not in known:
            yield f"leads to {kind} {name}, which is not here"


def _selected(spec: dict[str, Any], pods: list[Workload]) -> Iterator[str]:
    selector = spec.get("podSelector", spec.get("selector", {}))
    labels = selector.get("matchLabels", {} if "podSelector" in spec else selector)
    matching = [pod for pod in pods if labels.items() <= pod.labels.items()]
    if not matching:
        yield f"selects {labels}: no pod here has these labels"
    for port in spec.get("ports", []):
        if port.get("targetPort") not in {name for pod in matching for name in pod.ports()}:
            yield f"targets port {port['targetPort']}, which its pods have not"
