"""Runs the tools that judge terraform/, k8s/, Dockerfile and compose, in their environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("RIALTO_INFRA_TOOLS", ROOT / ".venv-infra")) / "bin"
HERE = Path(__file__).resolve().parent
PROVIDERS = {"hashicorp/aws": "6.69.1", "cloudflare/cloudflare": "5.28.0"}


def run(
    *command: str | Path, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class Terraform:
    """The real Terraform core on a copy of terraform/, with the stand-in providers."""

    def __init__(self, folder: Path, config: Path, reattach: str = "") -> None:
        """`reattach` says which providers run already; the others come from `config`'s mirror."""
        self.folder = folder
        self.variables = (HERE / "example.tfvars").read_text(encoding="utf-8")
        # Memory is there, time is not: it collects garbage for a third of a plan's time.
        self._environment = {"TF_CLI_CONFIG_FILE": str(config), "GOGC": "800"}
        if reattach:
            self._environment["TF_REATTACH_PROVIDERS"] = reattach

    def __call__(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        script = HERE / "stand_in" / "terraform.py"
        return run(TOOLS / "python", script, *words, cwd=cwd, **self._environment)

    def plan(self, environment: str) -> subprocess.CompletedProcess[str]:
        cwd = self.folder / "environments" / environment
        backend = 'terraform {\n  backend "local" {}\n}\n'
        (cwd / "backend_override.tf").write_text(backend, encoding="utf-8")
        (cwd / "terraform.tfvars").write_text(self.variables, encoding="utf-8")
        made = self("init", "-no-color", "-input=false", cwd=cwd)
        if made.returncode:
            return made
        return self("plan", "-no-color", "-input=false", "-out=plan", cwd=cwd)

    def planned(self, environment: str) -> list[dict[str, Any]]:
        """Every planned resource: address, type, values, and what is known only after apply."""
        shown = self("show", "-json", "plan", cwd=self.folder / "environments" / environment)
        assert shown.returncode == 0, shown.stderr
        changes: list[dict[str, Any]] = json.loads(shown.stdout)["resource_changes"]
        return changes


def render(overlay: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """An overlay, or `once`: what is applied a single time, beside one."""
    folder = "once" if overlay == "once" else f"overlays/{overlay}"
    return run(TOOLS / "kubectl", "kustomize", root / "k8s" / folder)
