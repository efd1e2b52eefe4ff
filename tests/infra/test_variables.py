"""Every deployment gives each process the variables it reads, by the names it reads them by."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from chains.bitcoin.network import NetworkName
from cli.keys import KeysSettings
from devstack import seed_aws
from devstack.rialto import ROWS
from tests.infra.tools import ROOT, render
from tests.infra.variables import (
    WEB,
    given_by_cluster,
    given_by_compose,
    given_to_web,
    read_by,
    read_by_web,
)

Plans = dict[str, list[dict[str, Any]]]

LOCAL_ONLY = {"RIALTO_HOME", "RIALTO_RATE_FACTOR", "RIALTO_WEBHOOK_ALLOW_LOOPBACK"}
"""Of a development machine: a data folder; limits widened, since all callers have one address, and
so have their webhooks.
"""


def ours(names: Any) -> set[str]:
    return {name for name in names if name.startswith("RIALTO_")}


def given_by_make_up() -> dict[str, set[str]]:
    """What `make up` gives each module and the module reads."""
    return {row.module: ours(row.sees) & read_by(row.module).known - LOCAL_ONLY for row in ROWS}


def shortfall(module: str, given: set[str]) -> list[str]:
    """Sentences: what a process of this module lacks, or is told in vain."""
    read = read_by(module)
    wanted = read.required | given_by_make_up().get(module, set())
    return [f"{module} is not given {name}" for name in sorted(wanted - given)]


def test_settings_are_read_from_the_sources() -> None:
    """The reader itself: what it finds for processes whose variables are well known."""
    assert "RIALTO_DATABASE_URL" in read_by("workers.order_relay").required
    assert "RIALTO_KYC_VENDOR_API_KEY" in read_by("workers.compliance_worker").required
    assert "RIALTO_JOURNAL_DIR" in read_by("workers.shipper").required
    assert "RIALTO_JOURNAL_DIR" not in read_by("api.main").required
    assert {"RIALTO_LISTEN_HOST", "RIALTO_API_PORT"} <= read_by("api.main").known


def test_compose_gives_each_process_what_it_reads() -> None:
    problems, heard = [], set[str]()
    for module, environment in given_by_compose():
        problems += shortfall(module, ours(environment))
        heard |= read_by(module).known
    assert problems == []
    given = {name for _, environment in given_by_compose() for name in ours(environment)}
    assert given - heard - {"RIALTO_API_URL", "RIALTO_WALLET_SERVICE_URL"} == set()


def test_compose_gives_the_web_application_what_it_reads() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert {"ORIGIN", "RIALTO_API_URL", "RIALTO_STAFF_URL"} <= read_by_web()
    assert given_to_web(compose) == read_by_web()
    misspelt = compose.replace("RIALTO_WEB_HOST", "RIALTO_WEB_HOTS")
    assert given_to_web(misspelt) != read_by_web()


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_the_cluster_gives_the_web_application_what_it_reads(overlay: str) -> None:
    rendered = [each for each in yaml.safe_load_all(render(overlay).stdout) if each]
    [given] = [names for module, names in given_by_cluster(rendered) if module == WEB]

    assert given == read_by_web()


def test_compose_gives_each_process_its_own_database_role() -> None:
    roles = {row.module: row.role for row in ROWS if row.role}
    for module, environment in given_by_compose():
        if module in roles:
            assert f"//{roles[module]}:" in environment["RIALTO_DATABASE_URL"], module


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_the_cluster_gives_each_process_what_it_reads(overlay: str) -> None:
    rendered = [each for each in yaml.safe_load_all(render(overlay).stdout) if each]
    problems = []
    for module, given in given_by_cluster(rendered):
        problems += shortfall(module, given)
        own = {entry["name"] for each in rendered for entry in _own_variables(each, module)}
        vain = ours(own) - read_by(module).known
        problems += [f"{module} is told {name} and does not read it" for name in sorted(vain)]
    assert problems == []


def test_the_networks_that_processes_are_told_are_the_ones_they_know() -> None:
    """They start on no other word, and `mainnet` is none of theirs."""
    text = (ROOT / "terraform/modules/exchange/main.tf").read_text(encoding="utf-8")
    [line] = [each for each in text.splitlines() if "RIALTO_BITCOIN_NETWORK" in each]
    told = set(re.findall(r'"(\w+)"', line.split("?", 1)[1]))
    for overlay in ("dev", "prod"):
        for each in yaml.safe_load_all(render(overlay).stdout):
            if each and each["kind"] == "ConfigMap":
                told.add(each["data"]["RIALTO_BITCOIN_NETWORK"])

    assert told == {"bitcoin", "signet"}
    assert told <= set(NetworkName)


def test_the_job_that_seals_the_seed_is_given_what_its_command_reads() -> None:
    both = render("prod").stdout + "---\n" + render("once").stdout
    rendered = [each for each in yaml.safe_load_all(both) if each]
    [given] = [names for word, names in given_by_cluster(rendered) if word == "seal-seed"]

    wanted = {f"RIALTO_{name.upper()}" for name in KeysSettings.model_fields}
    assert wanted == {"RIALTO_DATABASE_URL", "RIALTO_BITCOIN_NETWORK"}
    assert wanted <= given


def _own_variables(manifest: dict[str, Any], module: str) -> list[dict[str, Any]]:
    template = manifest.get("spec", {}).get("template", {}) if "spec" in manifest else {}
    containers = template.get("spec", {}).get("containers", [])
    return [
        entry
        for container in containers
        if container.get("command", [""])[-1] == module
        for entry in container.get("env", [])
    ]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_terraform_says_what_the_cluster_is_told(environment: str, planned: Plans) -> None:
    """`terraform output process_environment` fills the overlay: the same names on both sides."""
    [function] = [
        change["change"]["after"]
        for change in planned[environment]
        if change["address"].endswith('aws_lambda_function.this["data-processor"]')
    ]
    assert function, json.dumps(function)
    text = (ROOT / "terraform/modules/exchange/main.tf").read_text(encoding="utf-8")
    inside = text.split("process_environment = {", 1)[1].split("}\n\n", 1)[0]
    told = {line.split("=")[0].strip() for line in inside.splitlines() if " = " in line}
    rendered = [each for each in yaml.safe_load_all(render(environment).stdout) if each]
    [config] = [
        each["data"]
        for each in rendered
        if each["kind"] == "ConfigMap" and each["metadata"]["namespace"] == "rialto"
    ]

    assert ours(told) == ours(config)


def test_everything_the_cluster_is_told_is_read_by_somebody() -> None:
    rendered = [each for each in yaml.safe_load_all(render("prod").stdout) if each]
    given = [(module, ours(names)) for module, names in given_by_cluster(rendered)]
    heard = {name for module, _ in given for name in read_by(module).known}

    assert {name for _, names in given for name in names} - heard == set()


def test_secrets_of_the_cluster_are_the_ones_terraform_makes(planned: Plans) -> None:
    rendered = [each for each in yaml.safe_load_all(render("prod").stdout) if each]
    asked = {
        entry["remoteRef"]["key"]
        for each in rendered
        if each["kind"] == "ExternalSecret"
        for entry in each["spec"]["data"]
    }
    made = {
        change["change"]["after"]["name"]
        for change in planned["prod"]
        if change["type"] == "aws_secretsmanager_secret"
    }

    assert asked <= made


def test_keys_and_streams_are_the_ones_the_code_asks_for(planned: Plans) -> None:
    made: dict[str, set[str]] = {"aws_kms_alias": set(), "aws_kinesis_stream": set()}
    for change in planned["prod"]:
        if change["type"] in made:
            made[change["type"]].add(change["change"]["after"]["name"])

    assert set(seed_aws.KEYS) <= made["aws_kms_alias"]
    assert set(seed_aws.SHARDS) == made["aws_kinesis_stream"]
