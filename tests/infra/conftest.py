"""The tools' environment, and what each Terraform environment would make."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.infra.tools import HERE, PROVIDERS, ROOT, TOOLS, Terraform


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    assert (TOOLS / "kubectl").exists(), "the tools are not installed: make infra-check"


@pytest.fixture(scope="session")
def terraform_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("providers")
    for source, version in PROVIDERS.items():
        name = source.split("/")[1]
        place = folder / f"registry.terraform.io/{source}/{version}/linux_amd64"
        place.mkdir(parents=True)
        program = place / f"terraform-provider-{name}_v{version}"
        schema = HERE / "schemas" / f"{name}-{version}.json"
        program.write_text(
            f"#!/bin/sh\nexec {TOOLS}/python {HERE}/stand_in/provider.py {schema}\n",
            encoding="utf-8",
        )
        program.chmod(0o755)
    config = folder / "terraform.rc"
    mirror = f'filesystem_mirror {{\n    path = "{folder}"\n  }}'
    config.write_text(
        f"provider_installation {{\n  {mirror}\n}}\ndisable_checkpoint = true\n", encoding="utf-8"
    )
    return config


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[str]:
    """Both stand-ins, running: where, as Terraform wants to be told. They remember nothing."""
    schemas = [
        f"{source}={HERE}/schemas/{source.split('/')[1]}-{version}.json"
        for source, version in PROVIDERS.items()
    ]
    command = [str(TOOLS / "python"), f"{HERE}/stand_in/provider.py", "--serve", *schemas]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline()
        process.communicate()  # It ends with its input.


@pytest.fixture
def terraform(tmp_path: Path, terraform_config: Path, stand_ins: str) -> Terraform:
    """On a fresh copy that a test may break."""
    folder = tmp_path / "terraform"
    shutil.copytree(ROOT / "terraform", folder)
    return Terraform(folder, terraform_config, stand_ins)


@pytest.fixture(scope="session")
def planned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """What each environment would make: planned once, for all processes of this test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    kept = shared / "plans.json"
    with (shared / "plans.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = tmp_path_factory.mktemp("plans") / "terraform"
            config = request.getfixturevalue("terraform_config")
            plans = _plan_both(folder, config, request.getfixturevalue("stand_ins"))
            kept.write_text(json.dumps(plans), encoding="utf-8")
    result: dict[str, list[dict[str, Any]]] = json.loads(kept.read_text(encoding="utf-8"))
    return result


def _plan_both(folder: Path, config: Path, stand_ins: str) -> dict[str, list[dict[str, Any]]]:
    shutil.copytree(ROOT / "terraform", folder)
    core = Terraform(folder, config, stand_ins)
    result = {}
    for environment in ("dev", "prod"):
        made = core.plan(environment)
        assert made.returncode == 0, made.stderr
        result[environment] = core.planned(environment)
    return result
