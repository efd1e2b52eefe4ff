# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from devstack.rialto import ROWS
from tests.infra.kubernetes import workloads
from tests.infra.tools import ROOT, TOOLS, render, run
from tests.infra.variables import given_by_compose


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


COMPOSE_MISTAKES = {
    "an unknown volume": ('volumes: ["postgres:/var', 'volumes: ["postgre:/var'),
    "an unknown service": ("postgres: { condition: service_healthy }", "postgre: { condition: service_healthy }"),
    "an unknown condition": ("condition: service_completed_successfully", "condition: service_done"),
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


def test_the_dockerfile_is_clean() -> None:
    checked = run(TOOLS / "hadolint", ROOT / "Dockerfile")

    assert checked.returncode == 0, checked.stdout


def test_the_image_holds_every_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    packages = [
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"
    ]

    for package in packages:
        assert f"COPY {package} {package}\n" in text, f"{package} is not copied into the image"
    assert "USER 10001" in text
    assert "HEALTHCHECK" in text


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
