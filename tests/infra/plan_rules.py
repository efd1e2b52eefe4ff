"""What we want of a plan beyond that Terraform takes it: a rule yields a sentence where broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Changes = list[dict[str, Any]]
Rule = Callable[[Changes, str], Iterator[str]]
ANYWHERE = "0.0.0.0/0"
BACKUP_DAYS_MIN = 7


def broken(planned: Changes, environment: str) -> list[str]:
    """Sentences, one for each thing that is not as it should be in `dev` or `prod`."""
    return [sentence for rule in RULES for sentence in rule(planned, environment)]


def of_type(planned: Changes, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and planned values of every resource of a type."""
    for change in planned:
        if change["type"] == kind and change["mode"] == "managed":
            yield change["address"], change["change"]["after"]


def only_the_edge_faces_the_internet(planned: Changes, _: str) -> Iterator[str]:
    for address, group in of_type(planned, "aws_security_group"):
        if any(ANYWHERE in (rule.get("cidr_blocks") or []) for rule in group.get("ingress") or []):
            yield f"{address} is open to everybody"
    for address, rule in of_type(planned, "aws_vpc_security_group_ingress_rule"):
        if ANYWHERE in {rule.get("cidr_ipv4"), rule.get("cidr_ipv6")}:
            yield f"{address} is open to everybody"
    for address, cluster in of_type(planned, "aws_eks_cluster"):
        if cluster["vpc_config"][0].get("endpoint_public_access") is not False:
            yield f"{address} is asked from the internet"


def what_is_stored_is_encrypted(planned: Changes, _: str) -> Iterator[str]:
    for kind, field in (
        ("aws_db_instance", "storage_encrypted"),
        ("aws_ebs_volume", "encrypted"),
        ("aws_elasticache_replication_group", "transit_encryption_enabled"),
        ("aws_elasticache_replication_group", "at_rest_encryption_enabled"),
    ):
        for address, store in of_type(planned, kind):
            if str(store.get(field)).lower() != "true":
                yield f"{address} has no {field}"
    for address, domain in of_type(planned, "aws_opensearch_domain"):
        for field in ("encrypt_at_rest", "node_to_node_encryption"):
            if not domain[field][0]["enabled"]:
                yield f"{address} has no {field}"


def what_is_stored_is_private(planned: Changes, _: str) -> Iterator[str]:
    for address, database in of_type(planned, "aws_db_instance"):
        if database.get("publicly_accessible"):
            yield f"{address} is reached from the internet"
    blocks = dict(of_type(planned, "aws_s3_bucket_public_access_block"))
    buckets = dict(of_type(planned, "aws_s3_bucket"))
    if len(blocks) != len(buckets):
        yield f"{len(blocks)} of {len(buckets)} buckets are closed to the public"
    for address, block in blocks.items():
        if not all(block[name] for name in block if name.startswith(("block_", "ignore_"))):
            yield f"{address} lets something public"


def what_is_lost_comes_back(planned: Changes, _: str) -> Iterator[str]:
    for address, database in of_type(planned, "aws_db_instance"):
        if database["backup_retention_period"] < BACKUP_DAYS_MIN:
            yield f"{address} forgets its backups"
    for address, table in of_type(planned, "aws_dynamodb_table"):
        if not table["point_in_time_recovery"][0]["enabled"]:
            yield f"{address} cannot be restored"
    for address, key in of_type(planned, "aws_kms_key"):
        if key.get("deletion_window_in_days") != 30:
            yield f"{address} is gone too soon"


def production_has_standbys(planned: Changes, environment: str) -> Iterator[str]:
    if environment != "prod":
        return
    for address, database in of_type(planned, "aws_db_instance"):
        if not database["multi_az"]:
            yield f"{address} has no standby"
        if not database["deletion_protection"]:
            yield f"{address} may be deleted"
    zones = len(list(of_type(planned, "aws_nat_gateway")))
    if zones != 3:
        yield f"{zones} zones have a way out"


def hot_wallets_sign_as_chains_do(planned: Changes, _: str) -> Iterator[str]:
    wallets = [key for at, key in of_type(planned, "aws_kms_key") if ".hot_wallet[" in at]
    kinds = [(key["customer_master_key_spec"], key["key_usage"]) for key in wallets]
    if kinds != [("ECC_SECG_P256K1", "SIGN_VERIFY")] * 2:
        yield f"hot wallets are {kinds}"


def orders_stay_in_order(planned: Changes, _: str) -> Iterator[str]:
    for address, queue in of_type(planned, "aws_sqs_queue"):
        if not address.endswith(".orders"):
            continue
        if not queue["fifo_queue"] or queue["deduplication_scope"] != "messageGroup":
            yield f"{address} mixes orders up"
        if queue["name"] != "rialto-orders.fifo":
            yield f"{address} has a name that the code does not know"


def everything_is_written_down(planned: Changes, _: str) -> Iterator[str]:
    """Logs are kept for a time, flows and calls are logged."""
    for address, group in of_type(planned, "aws_cloudwatch_log_group"):
        if not group.get("retention_in_days"):
            yield f"{address} is kept for ever"
    for kind in ("aws_flow_log", "aws_cloudtrail", "aws_guardduty_detector"):
        if not list(of_type(planned, kind)):
            yield f"there is no {kind}"


def every_alarm_is_heard_and_helps(planned: Changes, _: str) -> Iterator[str]:
    for address, alarm in of_type(planned, "aws_cloudwatch_metric_alarm"):
        if "Runbook: docs/runbooks/" not in alarm["alarm_description"]:
            yield f"{address} names no runbook"
    if not list(of_type(planned, "aws_sns_topic_subscription")):
        yield "nobody hears an alarm"


RULES: tuple[Rule, ...] = (
    only_the_edge_faces_the_internet,
    what_is_stored_is_encrypted,
    what_is_stored_is_private,
    what_is_lost_comes_back,
    production_has_standbys,
    hot_wallets_sign_as_chains_do,
    orders_stay_in_order,
    everything_is_written_down,
    every_alarm_is_heard_and_helps,
)
