"""The tools' environment, and what each Terraform environment would make."""

from __future__ import annotations

import shutil
from pathlib import Path
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


@pytest.fixture
def terraform(tmp_path: Path, terraform_config: Path) -> Terraform:
    """On a fresh copy that a test may break."""
    folder = tmp_path / "terraform"
    shutil.copytree(ROOT / "terraform", folder)
    return Terraform(folder, terraform_config)


@pytest.fixture(scope="session")
def planned(
    tmp_path_factory: pytest.TempPathFactory, terraform_config: Path
) -> dict[str, list[dict[str, Any]]]:
    """What each environment would make."""
    folder = tmp_path_factory.mktemp("plans") / "terraform"
    shutil.copytree(ROOT / "terraform", folder)
    core = Terraform(folder, terraform_config)
    result = {}
    for environment in ("dev", "prod"):
        made = core.plan(environment)
        assert made.returncode == 0, made.stderr
        result[environment] = core.planned(environment)
    return result
