"""What we want of manifests beyond that they are valid: a rule yields a sentence where broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.infra.kubernetes import Manifest, Workload, workloads

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
ALONE = {"event-listener", "order-relay", "shipper"}
"""One pod each: a second one would do the same work again, and none for a minute loses nothing."""
ENGINE = {"matching-engine", "shipper"}
"""They stand where the journal's volume is, in one zone."""
SCALED = {"api", "web", "workflow-worker", "data-processor"}
WITHOUT_AWS = {"migrate", "web"}
"""They talk to PostgreSQL, and to the API; to nothing of AWS."""
OPEN_TO_MONITORING = "scrape"
_SECRET = re.compile(r"(SECRET|PASSWORD|TOKEN|_KEY|DATABASE_URL|BITCOIN_RPC_URL)$")

Rule = Callable[[list[Manifest]], Iterator[str]]


def broken(manifests: list[Manifest]) -> list[str]:
    """Sentences, one for each thing that is not as it should be in production or development."""
    return [sentence for rule in RULES for sentence in rule(manifests)]


def pods_may_little(manifests: list[Manifest]) -> Iterator[str]:
    """Nobody's user, no token, a root that cannot be written, no privileges; by image version."""
    for pod in workloads(manifests):
        spec, name = pod.template["spec"], pod.owner["metadata"]["name"]
        security = spec.get("securityContext", {})
        if not security.get("runAsNonRoot") or security.get("runAsUser", 1) == 0:
            yield f"{name} may run as root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name} may make every system call"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} gets a token of the cluster"
        if spec.get("hostNetwork") or spec.get("hostPID") or spec.get("hostIPC"):
            yield f"{name} sees the machine"
        for container in pod.containers():
            yield from _container_may_little(container)


def _container_may_little(container: Manifest) -> Iterator[str]:
    context, name = container.get("securityContext", {}), container["name"]
    if not context.get("readOnlyRootFilesystem"):
        yield f"{name} may write its root"
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{name} keeps capabilities"
    version = container["image"].rsplit("/", 1)[-1]
    if ":" not in version or version.endswith(":latest"):
        yield f"{name} has an image without a version"


def pods_are_looked_after(manifests: list[Manifest]) -> Iterator[str]:
    """Probes, what they need and may take, time to end."""
    for pod in workloads(manifests):
        is_job = pod.owner["kind"] == "Job"
        for container in pod.containers():
            given = container.get("resources", {})
            if {"cpu", "memory"} - given.get("requests", {}).keys() or "memory" not in given.get(
                "limits", {}
            ):
                yield f"{container['name']} does not say what it needs and may take"
            for probe in () if is_job else PROBES:
                if probe not in container:
                    yield f"{container['name']} has no {probe}"
        if not is_job and pod.template["spec"].get("terminationGracePeriodSeconds", 0) < 30:
            yield f"{pod.owner['metadata']['name']} has no time to end"


def zones_are_survived(manifests: list[Manifest]) -> Iterator[str]:
    for pod in _services(manifests):
        if pod.owner["metadata"]["name"] in ENGINE:
            continue
        spread = pod.template["spec"].get("topologySpreadConstraints", [])
        if "topology.kubernetes.io/zone" not in {each["topologyKey"] for each in spread}:
            yield f"{pod.owner['metadata']['name']} may stand in one zone"


def drains_are_survived(manifests: list[Manifest]) -> Iterator[str]:
    """Of nodes that are renewed."""
    guarded = _named(manifests, "PodDisruptionBudget")
    for pod in _services(manifests):
        name, replicas = pod.owner["metadata"]["name"], pod.owner["spec"].get("replicas", 1)
        if name in ALONE:
            if replicas != 1:
                yield f"{name} must be one"
        elif name not in guarded:
            yield f"{name} may be drained away"
    for name, budget in guarded.items():
        if budget["spec"].get("maxUnavailable") != 1:
            yield f"the budget of {name} lets none or all go"


def load_is_followed(manifests: list[Manifest]) -> Iterator[str]:
    scalers = _named(manifests, "HorizontalPodAutoscaler")
    for name in sorted(SCALED - scalers.keys()):
        yield f"{name} does not follow load"
    for name, scaler in scalers.items():
        spec = scaler["spec"]
        if not 1 <= spec["minReplicas"] < spec["maxReplicas"] or not spec.get("metrics"):
            yield f"the scaler of {name} scales nothing"


def the_journal_outlives_its_pods(manifests: list[Manifest]) -> Iterator[str]:
    """A volume that is not deleted with its claim, encrypted."""
    claims = _named(manifests, "PersistentVolumeClaim")
    classes = _named(manifests, "StorageClass")
    for pod in _services(manifests):
        if pod.owner["metadata"]["name"] not in ENGINE:
            continue
        for container in pod.containers():
            claim = claims.get(_journal_claim(pod, container))
            if claim is None:
                yield f"{container['name']} loses the journal with its pod"
                continue
            kept = classes.get(claim["spec"].get("storageClassName", ""), {})
            if kept.get("parameters", {}).get("encrypted") != "true":
                yield "the journal is not encrypted"
            if kept.get("reclaimPolicy") != "Retain":
                yield "the journal is deleted with its claim"


def _journal_claim(pod: Workload, container: Manifest) -> str:
    """Which claim the container's journal is on; empty if it is on none."""
    told = {each["name"]: each.get("value") for each in container["env"]}
    mounted = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volume = mounted.get(told.get("RIALTO_JOURNAL_DIR"))
    for each in pod.template["spec"].get("volumes", []):
        if each["name"] == volume:
            return str(each.get("persistentVolumeClaim", {}).get("claimName", ""))
    return ""


def standby_and_shipper_follow_the_writer(manifests: list[Manifest]) -> Iterator[str]:
    """On its machine, in its journal: a standby of another volume would begin from nothing. It is
    no failure that it does not write, so its probes ask whether it runs.
    """
    pods = {pod.owner["metadata"]["name"]: pod for pod in _services(manifests)}
    if pods["matching-engine"].owner["kind"] != "StatefulSet":
        yield "the engine is no StatefulSet"
    claims = set()
    for name in sorted(ENGINE):
        spec = pods[name].template["spec"]
        claims |= {_journal_claim(pods[name], each) for each in pods[name].containers()}
        beside = spec.get("affinity", {}).get("podAffinity", {})
        chosen = [
            each["labelSelector"]["matchLabels"].get("app.kubernetes.io/name")
            for each in beside.get("requiredDuringSchedulingIgnoredDuringExecution", [])
            if each["topologyKey"] == "kubernetes.io/hostname"
        ]
        if chosen != ["matching-engine"]:
            yield f"{name} may stand away from the journal"
    if len(claims) != 1:
        yield "writer, standby and shipper have journals of their own"
    [engine] = pods["matching-engine"].containers()
    for probe in ("startupProbe", "readinessProbe"):
        if engine.get(probe, {}).get("httpGet", {}).get("path") != "/livez":
            yield "a standby is taken for broken"


def spaces_are_closed(manifests: list[Manifest]) -> Iterator[str]:
    """Denied is what no policy opens, and restricted what runs, in every namespace."""
    spaces = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Namespace"}
    denied = {
        each["metadata"]["namespace"]
        for each in _policies(manifests)
        if each["spec"]["podSelector"] == {}
        and not {"egress", "ingress"} & each["spec"].keys()
        and set(each["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    }
    for name, space in spaces.items():
        if name not in denied:
            yield f"in {name} everybody may talk to everybody"
        labels = space["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name} takes pods that are not restricted"


def policies_open_little(manifests: list[Manifest]) -> Iterator[str]:
    """And nobody calls the signer."""
    for policy in _policies(manifests):
        name, spec = policy["metadata"]["name"], policy["spec"]
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            if not {"from", "to", "ports"} & {key for key, value in rule.items() if value}:
                yield f"policy {name} opens everything"
        is_signers = policy["metadata"]["namespace"] == "rialto-signer"
        calls = name != OPEN_TO_MONITORING and any(r.get("from") for r in spec.get("ingress", []))
        if is_signers and calls:
            yield f"policy {name} lets somebody call the signer"


def the_signer_stands_alone(manifests: list[Manifest]) -> Iterator[str]:
    for pod in workloads(manifests):
        name = pod.labels.get("app.kubernetes.io/name")
        if (pod.namespace == "rialto-signer") != (name in {"signer-worker", "seal-seed"}):
            yield f"{name} stands in {pod.namespace}"
    accounts = [pod.template["spec"]["serviceAccountName"] for pod in _services(manifests)]
    for name in sorted({each for each in accounts if accounts.count(each) > 1}):
        yield f"two processes share the account {name}"


def everybody_has_their_own_role(manifests: list[Manifest]) -> Iterator[str]:
    """Of AWS, by the service account."""
    for each in manifests:
        name = each["metadata"]["name"]
        if each["kind"] != "ServiceAccount" or name in WITHOUT_AWS:
            continue
        role = each["metadata"].get("annotations", {}).get("eks.amazonaws.com/role-arn", "")
        if not re.search(rf":role/rialto-(dev|prod)-{name}$", role):
            yield f"{name} takes the role {role or 'of nobody'}"


def the_schema_comes_first(manifests: list[Manifest]) -> Iterator[str]:
    """By a job that has the owner's login, which no process has."""
    job = _named(manifests, "Job").get("migrate")
    if job is None or job["spec"]["template"]["spec"]["containers"][0]["command"][-1] != (
        "storage.migrate"
    ):
        yield "nobody migrates"
    for pod in _services(manifests):
        for container in pod.containers():
            for source in container.get("envFrom", []):
                if source.get("secretRef", {}).get("name") == "migrate":
                    yield f"{container['name']} has the owner's login"


def secrets_are_fetched(manifests: list[Manifest]) -> Iterator[str]:
    """From the secret store, never out of a manifest."""
    for each in manifests:
        if each["kind"] == "Secret":
            yield f"{each['metadata']['name']} has secrets in the manifest"
        if each["kind"] == "ConfigMap":
            for name, value in each["data"].items():
                if _SECRET.search(name) or re.search(r"//[^/\s]*:[^/\s]*@", value):
                    yield f"{name} is a secret, in a map that all may read"


def secrets_are_not_told(manifests: list[Manifest]) -> Iterator[str]:
    """A process gets them from its own secret, not by name and value."""
    for container in (each for pod in workloads(manifests) for each in pod.containers()):
        for entry in container.get("env", []):
            if _SECRET.search(entry["name"]) and "value" in entry:
                yield f"{container['name']} has {entry['name']} in its manifest"


def _named(manifests: list[Manifest], kind: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def _policies(manifests: list[Manifest]) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == "NetworkPolicy"]


def _services(manifests: list[Manifest]) -> list[Workload]:
    return [pod for pod in workloads(manifests) if pod.owner["kind"] != "Job"]


RULES: tuple[Rule, ...] = (
    pods_may_little,
    pods_are_looked_after,
    zones_are_survived,
    drains_are_survived,
    load_is_followed,
    the_journal_outlives_its_pods,
    standby_and_shipper_follow_the_writer,
    spaces_are_closed,
    policies_open_little,
    the_signer_stands_alone,
    everybody_has_their_own_role,
    the_schema_comes_first,
    secrets_are_fetched,
    secrets_are_not_told,
)
