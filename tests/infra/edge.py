"""What lets the world in: public ingresses, and the Cloudflare zone in front of everything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.kubernetes import Manifest
from tests.infra.tools import ROOT

ANNOTATION = "alb.ingress.kubernetes.io/"
ANYBODY = {"0.0.0.0/0", "::/0"}
LOGIN = "/v1/sessions"
_SOCKET = re.compile(r"WebSocketRoute\(\"([^\"{]*[^\"{/])")


def sockets() -> set[str]:
    """Paths of the API's WebSockets, as its sources mount them."""
    dialect = (ROOT / "api/dialect/sockets.py").read_text(encoding="utf-8")
    native = (ROOT / "api/v1/socket/session.py").read_text(encoding="utf-8")
    return {*_SOCKET.findall(dialect), *re.findall(r"^PATH = \"(.+)\"$", native, re.MULTILINE)}


def public(manifests: list[Manifest]) -> list[Manifest]:
    return [
        each
        for each in manifests
        if each["kind"] == "Ingress" and _annotation(each, "scheme") != "internal"
    ]


def hosts(manifests: list[Manifest]) -> set[str]:
    return {rule["host"] for each in public(manifests) for rule in each["spec"]["rules"]}


def trust_stores(manifests: list[Manifest]) -> set[str]:
    """Names of those that public ingresses ask for."""
    asked = [json.loads(_annotation(each, "mutual-authentication")) for each in public(manifests)]
    return {entry["trustStore"] for entries in asked for entry in entries}


def ingress_problems(manifests: list[Manifest]) -> list[str]:
    """Sentences, one per way in that is too wide or missing."""
    found = [text for each in public(manifests) for text in _exposure(each)]
    paths = {
        path["path"]
        for each in public(manifests)
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
        if path["backend"]["service"]["name"] == "api"
    }
    found += [
        f"WebSockets at {socket} have no way in"
        for socket in sorted(sockets())
        if not any(f"{socket}/".startswith(f"{path}/") for path in paths)
    ]
    found += [
        f"{path} of the API goes round the gateway"
        for path in sorted(paths)
        if not any(f"{path}/".startswith(f"{socket}/") for socket in sockets())
    ]
    return found


def _annotation(manifest: Manifest, name: str) -> str:
    text: str = manifest["metadata"].get("annotations", {}).get(ANNOTATION + name, "")
    return text


def _exposure(ingress: Manifest) -> Iterator[str]:
    listeners = json.loads(_annotation(ingress, "listen-ports") or '[{"HTTP": 80}]')
    ports = {port for each in listeners for port in each.values()}
    verified = {
        each["port"]
        for each in json.loads(_annotation(ingress, "mutual-authentication") or "[]")
        if each["mode"] == "verify" and each.get("trustStore")
    }
    name = ingress["metadata"]["name"]
    if any(protocol != "HTTPS" for each in listeners for protocol in each):
        yield f"{name} listens without TLS"
    if ports - verified:
        yield f"{name} asks nobody at {sorted(ports - verified)} for a client certificate"
    allowed = set(filter(None, _annotation(ingress, "inbound-cidrs").split(",")))
    if not allowed or allowed & ANYBODY:
        yield f"{name} lets every address in"
    if "TLS13" not in _annotation(ingress, "ssl-policy"):
        yield f"{name} takes old versions of TLS"


def openings(changes: list[dict[str, Any]]) -> list[str]:
    """Sentences about the planned zone, gateway and cluster; none where nobody comes in unseen."""
    planned: dict[str, list[dict[str, Any]]] = {}
    for change in changes:
        planned.setdefault(change["type"], []).append(change["change"]["after"] or {})
    zone = {each["setting_id"]: each["value"] for each in planned["cloudflare_zone_setting"]}
    found = [] if zone.get("tls_client_auth") == "on" else ["Cloudflare shows no certificate"]
    enforced = [
        json.loads(each["configuration_values"])["enableNetworkPolicy"]
        for each in planned["aws_eks_addon"]
        if each["addon_name"] == "vpc-cni"
    ]
    found += [] if enforced == ["true"] else ["network policies are taken and ignored"]
    found += [
        f"{each['domain_name']} asks for no client certificate"
        for each in planned["aws_apigatewayv2_domain_name"]
        if not each["mutual_tls_authentication"]
    ]
    names = public_names(changes)
    found += [
        f"{each['name']} goes round Cloudflare"
        for each in planned["cloudflare_dns_record"]
        if each.get("name") in names and not each["proxied"]
    ]
    limits = [
        rule["expression"]
        for each in planned["cloudflare_ruleset"]
        if each["phase"] == "http_ratelimit"
        for rule in each["rules"]
    ]
    for name in sorted(names):
        if not any(LOGIN in text and _covers(text, name) for text in limits):
            found.append(f"passwords may be guessed at {name}")
        if not any(LOGIN not in text and _covers(text, name) for text in limits):
            found.append(f"{name} has no limit")
    return found


def public_names(changes: list[dict[str, Any]]) -> set[str]:
    """Names that lead to us; the certificate's own record is known only after apply."""
    records = [each for each in changes if each["type"] == "cloudflare_dns_record"]
    return {
        each["change"]["after"]["name"] for each in records if '"' in each["address"].split(".")[-1]
    }


def _covers(expression: str, host: str) -> bool:
    """Of the forms in use: no word about the host, or a list of hosts with ours in it."""
    return "http.host" not in expression or f'"{host}"' in expression
