# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from storage import dynamo_tables
from tests.infra import edge
from tests.infra.tools import HERE, ROOT, TOOLS, Terraform, render, run

Plans = dict[str, list[dict[str, Any]]]
ENVIRONMENTS = ("dev", "prod")


def of_type(planned: Plans, environment: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for change in planned[environment]:
        if change["type"] == kind and change["mode"] == "managed":
            yield change["address"], change["change"]["after"]


def policies(planned: Plans) -> Iterator[tuple[str, dict[str, Any]]]:
    for change in planned["prod"]:
        for key, value in (change["change"]["after"] or {}).items():
            if isinstance(value, str) and '"Statement"' in value:
                yield f"{change['address']}.{key}", json.loads(value)


def test_formatting(terraform: Terraform) -> None:
    checked = terraform("fmt", "-check", "-recursive", cwd=terraform.folder)

    assert checked.returncode == 0, checked.stdout


def test_both_environments_plan(planned: Plans) -> None:
    for environment in ENVIRONMENTS:
        assert len(planned[environment]) > 200


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nobody_comes_in_but_by_the_cdn(environment: str, planned: Plans) -> None:
    assert edge.openings(planned[environment]) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_lead_to_what_serves_them(environment: str, planned: Plans) -> None:
    """Those of the public load balancer are the hosts of its ingress, and it finds its trust
    store.
    """
    names = {name.split(".")[0] for name in edge.public_names(planned[environment])}
    rendered = [each for each in yaml.safe_load_all(render(environment).stdout) if each]
    front = {host.split(".")[0] for host in edge.hosts(rendered)}
    stores = {store["name"] for _, store in of_type(planned, environment, "aws_lb_trust_store")}

    assert front == {"www", "stream"}
    assert names == {"api", "wallet-service", "search"} | front
    assert stores == edge.trust_stores(rendered)


def test_the_first_apply_knows_no_load_balancer_yet(terraform: Terraform) -> None:
    """The cluster makes them later; the certificate that they need is there before."""
    later = ("balancer_listener_arn", "front_origin")
    lines = terraform.variables.splitlines(keepends=True)
    terraform.variables = "".join(each for each in lines if not each.startswith(later))

    made = terraform.plan("prod")
    assert made.returncode == 0, made.stderr
    planned = {"prod": terraform.planned("prod")}

    names = {name.split(".")[0] for name in edge.public_names(planned["prod"])}
    assert names == {"api", "wallet-service", "search"}
    assert list(of_type(planned, "prod", "aws_acm_certificate"))


def test_the_api_may_run_in_a_group_of_instances(terraform: Terraform) -> None:
    """WebSockets come to its public balancer by the CDN only; all else by the gateway."""
    path = terraform.folder / "environments/prod/main.tf"
    group = 'api_group = { instance_type = "c7g.large", min = 1, max = 2 }'
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  cdn_cidrs ", f"  {group}\n  cdn_cidrs ", 1), "utf-8")

    made = terraform.plan("prod")
    assert made.returncode == 0, made.stderr
    planned = {"prod": terraform.planned("prod")}

    balancers = {each["name"]: each["internal"] for _, each in of_type(planned, "prod", "aws_lb")}
    assert balancers == {"rialto-prod-api-internal": True, "rialto-prod-api-public": False}
    listeners = dict(of_type(planned, "prod", "aws_lb_listener"))
    [open_one] = [each for address, each in listeners.items() if address.endswith(".public")]
    assert open_one["mutual_authentication"][0]["mode"] == "verify"
    assert open_one["default_action"][0]["type"] == "fixed-response"
    rules = [each for _, each in of_type(planned, "prod", "aws_lb_listener_rule")]
    paths = {p for r in rules for c in r["condition"] for p in c["path_pattern"][0]["values"]}
    bare = {each.rstrip("*").rstrip("/") for each in paths}
    assert all(any(f"{s}/".startswith(f"{p}/") for p in bare) for s in edge.sockets())
    assert edge.openings(planned["prod"]) == []


def test_hot_wallets_are_secp256k1_keys_that_only_the_signer_uses(planned: Plans) -> None:
    keys = dict(of_type(planned, "prod", "aws_kms_key"))
    wallets = [key for address, key in keys.items() if ".hot_wallet[" in address]

    assert [key["customer_master_key_spec"] for key in wallets] == ["ECC_SECG_P256K1"] * 2
    signers = {
        address
        for address, policy in policies(planned)
        for statement in policy["Statement"]
        if "kms:Sign" in _listed(statement["Action"]) and "role_policy" in address
    }
    assert (
        signers
        == {'module.exchange.module.security.aws_iam_role_policy.process["signer-worker"].policy'}
        or not signers
    )  # Known only after apply: then the source is asked.
    source = (ROOT / "terraform/modules/security/iam.tf").read_text(encoding="utf-8")
    signing = [line for line in source.splitlines() if '"kms:Sign"' in line]
    assert ["hot_wallet" in line for line in signing] == [False, True]  # The portal's own, ours.


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_iam_policies_use_actions_that_exist(planned: Plans, tmp_path: Path) -> None:
    found = dict(policies(planned))
    assert len(found) > 5
    documents = tmp_path / "policies.json"
    documents.write_text(json.dumps(found), encoding="utf-8")

    checked = run(TOOLS / "python", HERE / "stand_in" / "policies.py", documents)

    assert checked.returncode == 0, checked.stdout + checked.stderr


IAM_MISTAKES = {
    "an action that does not exist": {"Action": ["s3:GetObjct"], "Resource": ["arn:aws:s3:::a/b"]},
    "everything": {"Action": ["*"], "Resource": ["*"]},
    "everything of a service": {"Action": "kms:*", "Resource": ["*"]},
    "a condition that does not exist": {
        "Action": ["kms:Sign"], "Resource": ["*"], "Condition": {"StringSame": {"kms:MessageType": "DIGEST"}}},
}  # fmt: skip


def test_a_seeded_mistake_in_a_policy_is_caught(tmp_path: Path) -> None:
    """One file for all: each must be named."""
    documents = {
        name: {"Version": "2012-10-17", "Statement": [{"Sid": "One", "Effect": "Allow", **statement}]}
        for name, statement in IAM_MISTAKES.items()
    }  # fmt: skip
    file = tmp_path / "policies.json"
    file.write_text(json.dumps(documents), encoding="utf-8")

    checked = run(TOOLS / "python", HERE / "stand_in" / "policies.py", file)

    assert checked.returncode == 1
    for name in IAM_MISTAKES:
        assert f"{name}: " in checked.stdout, name


def test_tables_are_the_ones_the_code_uses(planned: Plans) -> None:
    tables = {table["name"]: table for _, table in of_type(planned, "prod", "aws_dynamodb_table")}
    expected = {table.full_name("rialto-"): table for table in dynamo_tables.TABLES}

    assert tables.keys() == expected.keys()
    for name, table in expected.items():
        planned_table = tables[name]
        indexes = planned_table.get("global_secondary_index") or []
        assert {index["name"] for index in indexes} == {index.name for index in table.indexes}, name
        assert (planned_table["range_key"] == "sk") == table.has_sort_key, name
        assert bool(planned_table.get("ttl")) == table.has_expiry, name
        assert planned_table["point_in_time_recovery"][0]["enabled"], name


def test_every_alarm_has_a_runbook(planned: Plans) -> None:
    text = (ROOT / "terraform/modules/observability/main.tf").read_text(encoding="utf-8")
    for environment in ENVIRONMENTS:
        for address, alarm in of_type(planned, environment, "aws_cloudwatch_metric_alarm"):
            runbook = alarm["alarm_description"].rsplit(" ", 1)[-1]
            assert (ROOT / runbook).exists(), f"{address} names {runbook}"
    assert "Runbook" in text


def test_a_file_that_is_not_formatted_is_seen(terraform: Terraform) -> None:
    path = terraform.folder / "modules/messaging/main.tf"
    path.write_text(path.read_text("utf-8").replace("  fifo_queue ", "    fifo_queue ", 1), "utf-8")

    checked = terraform("fmt", "-check", "-recursive", cwd=terraform.folder)

    assert checked.returncode != 0
    assert "messaging/main.tf" in checked.stdout


MISTAKES = {
    "an argument that does not exist": (
        "modules/messaging/main.tf", "fifo_queue                  = true", "fifo_que = true"),
    "a value outside its set": (
        "modules/data/dynamodb.tf", '"PAY_PER_REQUEST"', '"ON_DEMAND"'),
    "a reference to nothing": (
        "modules/data/outputs.tf", "aws_db_proxy.this.endpoint", "aws_db_proxy.this.address_of"),
    "a required argument left out": (
        "modules/exchange/main.tf", "  stream_shards = var.stream_shards\n", ""),
    "a wrong type": (
        "modules/lambdas/main.tf", "batch_size                         = 500", 'batch_size = "many"'),
    "a subnet outside its network": (
        "modules/network/main.tf", "cidrsubnet(var.cidr, 6, count.index)", "cidrsubnet(var.cidr, 6, 64)"),
    "a syntax error": ("modules/edge/main.tf", "locals {", "locals {{"),
    "a load balancer open to the world": (
        "environments/prod/main.tf", "cdn_cidrs                  = var.cdn_cidrs",
        'cdn_cidrs = ["0.0.0.0/0"]\n  api_group = { instance_type = "c7g.large", min = 1, max = 2 }'),
    "an image by tag": (
        "environments/prod/main.tf", "image                      = var.image",
        'image = "rialto:latest"\n  api_group = { instance_type = "c7g.large", min = 1, max = 2 }'),
    "nobody is paged": ("environments/prod/main.tf", 'topic = "page"', 'topic = "ticket"'),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_seeded_mistake_is_caught(mistake: str, terraform: Terraform) -> None:
    file, right, wrong = MISTAKES[mistake]
    path = terraform.folder / file
    text = path.read_text(encoding="utf-8")
    assert right in text, f"{file} changed: seed the mistake anew"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    made: subprocess.CompletedProcess[str] = terraform.plan("prod")

    assert made.returncode != 0, f"{mistake} was not caught"


OPENINGS = {
    "network policies are": ("eks/addons.tf", 'enableNetworkPolicy = "true"', 'enableNetworkPolicy = "false"'),
    "Cloudflare shows no certificate": ("edge/cloudflare.tf", 'tls_client_auth          = "on"', 'tls_client_auth          = "off"'),
    "passwords may be guessed at www.": (
        "edge/cloudflare.tf",
        '"(starts_with(http.request.uri.path, \\"/v1/sessions\\") and',
        '"(http.host eq \\"api.${var.domain}\\" and starts_with(http.request.uri.path, \\"/v1/sessions\\") and'),
    "stream.": ("edge/cloudflare.tf", "each.value\n  ttl     = 1\n  proxied = true", "each.value\n  ttl     = 1\n  proxied = false"),
}  # fmt: skip


def test_seeded_openings_are_seen(terraform: Terraform) -> None:
    """A plan that Terraform takes and we do not, for each of these reasons."""
    for file, right, wrong in OPENINGS.values():
        path = terraform.folder / "modules" / file
        text = path.read_text(encoding="utf-8")
        assert right in text, f"{file} changed: seed the mistake anew"
        path.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    made = terraform.plan("prod")

    assert made.returncode == 0, made.stderr
    told = edge.openings(terraform.planned("prod"))
    for start in OPENINGS:
        assert any(sentence.startswith(start) for sentence in told), start
