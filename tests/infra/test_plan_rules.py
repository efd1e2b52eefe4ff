# ruff: noqa: E501 - tables of seeded mistakes read better with one mistake a line.
"""Both plans keep every rule, and each rule notices when it is broken."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.infra.plan_rules import RULES, Changes, broken

GONE = object()
EVERYWHERE = [{"cidr_blocks": ["0.0.0.0/0"]}]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_rule_is_kept(environment: str, planned: dict[str, Changes]) -> None:
    assert broken(planned[environment], environment) == []


MISTAKES: dict[str, tuple[str, str, Any]] = {
    "is open to everybody": ("aws_security_group", "ingress", EVERYWHERE),
    "is asked from the internet": ("aws_eks_cluster", "vpc_config.0.endpoint_public_access", True),
    "has no storage_encrypted": ("aws_db_instance", "storage_encrypted", False),
    "has no encrypted": ("aws_ebs_volume", "encrypted", False),
    "has no transit_encryption_enabled": ("aws_elasticache_replication_group", "transit_encryption_enabled", False),
    "has no at_rest_encryption_enabled": ("aws_elasticache_replication_group", "at_rest_encryption_enabled", None),
    "has no encrypt_at_rest": ("aws_opensearch_domain", "encrypt_at_rest.0.enabled", False),
    "is reached from the internet": ("aws_db_instance", "publicly_accessible", True),
    "buckets are closed to the public": ("aws_s3_bucket_public_access_block", "", GONE),
    "lets something public": ("aws_s3_bucket_public_access_block", "block_public_policy", False),
    "forgets its backups": ("aws_db_instance", "backup_retention_period", 1),
    "has no standby": ("aws_db_instance", "multi_az", False),
    "may be deleted": ("aws_db_instance", "deletion_protection", False),
    "cannot be restored": ("aws_dynamodb_table", "point_in_time_recovery.0.enabled", False),
    "is gone too soon": ("aws_kms_key", "deletion_window_in_days", 7),
    "zones have a way out": ("aws_nat_gateway", "", GONE),
    "hot wallets are": ("aws_kms_key.hot_wallet[", "customer_master_key_spec", "ECC_NIST_P256"),
    "mixes orders up": ("aws_sqs_queue.orders", "fifo_queue", False),
    "has a name that the code does not know": ("aws_sqs_queue.orders", "name", "orders.fifo"),
    "is kept for ever": ("aws_cloudwatch_log_group", "retention_in_days", None),
    "there is no aws_cloudtrail": ("aws_cloudtrail", "", GONE),
    "names no runbook": ("aws_cloudwatch_metric_alarm", "alarm_description", "Trouble"),
    "nobody hears an alarm": ("aws_sns_topic_subscription", "", GONE),
}  # fmt: skip


def seeded(planned: Changes, meant: str, path: str, value: Any) -> Changes:
    """The plan with one resource changed or gone; of the first whose address has `meant` in it."""
    at = next((n for n, each in enumerate(planned) if f"{meant}" in each["address"]), None)
    assert at is not None, f"there is no {meant}: seed the mistake anew"
    if not path:
        return [each for each in planned if f"{meant}." not in each["address"]]
    changed = copy.deepcopy(planned[at])
    node = changed["change"]["after"]
    *way, last = path.split(".")
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[last] = value
    return [*planned[:at], changed, *planned[at + 1 :]]


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_broken_rule_is_seen(sentence: str, planned: dict[str, Changes]) -> None:
    told = broken(seeded(planned["prod"], *MISTAKES[sentence]), "prod")

    assert any(sentence.strip() in each for each in told), told


def test_every_rule_has_a_mistake_that_breaks_it(planned: dict[str, Changes]) -> None:
    seen = {
        rule.__name__
        for mistake in MISTAKES.values()
        for rule in RULES
        if list(rule(seeded(planned["prod"], *mistake), "prod"))
    }

    assert seen == {rule.__name__ for rule in RULES}
