# Mainnets, standbys everywhere (docs/cost.md).
module "exchange" {
  source = "../../modules/exchange"

  environment             = "prod"
  domain                  = var.domain
  zone_id                 = var.zone_id
  cidr                    = "10.20.0.0/16"
  network                 = "mainnet"
  highly_available        = true
  deletion_protection     = true
  postgres_instance_class = "db.r7g.2xlarge"
  postgres_storage_gib    = 500
  valkey_node_type        = "cache.m7g.large"
  search_instance_type    = "r6g.large.search"
  journal_lock_days       = 400
  stream_shards           = { chain-events = 2, market-events = 4 }

  node_groups = {
    general = { instance_types = ["m7g.2xlarge"], min = 3, max = 12, disk_gib = 80, dedicated = false }
    engine  = { instance_types = ["c7g.2xlarge"], min = 2, max = 2, disk_gib = 80, dedicated = true }
  }

  chain_nodes = {
    bitcoin = {
      count            = 2
      instance_type    = "m7g.xlarge"
      disk_gib         = 1500
      disk_iops        = 6000
      software_version = var.node_software["bitcoin"].version
      software_sha256  = var.node_software["bitcoin"].sha256
      rpc_secret_arn   = var.node_secret_arns["bitcoin"]
    }
    ethereum = {
      count            = 2
      instance_type    = "r7g.2xlarge"
      disk_gib         = 3000
      disk_iops        = 12000
      software_version = var.node_software["ethereum"].version
      software_sha256  = var.node_software["ethereum"].sha256
      rpc_secret_arn   = var.node_secret_arns["ethereum"]
    }
  }

  cdn_cidrs                  = var.cdn_cidrs
  image                      = var.image
  release                    = var.release
  code_bucket                = var.code_bucket
  balancer_listener_arn      = var.balancer_listener_arn
  front_origin               = var.front_origin
  origin_pull_truststore_uri = var.origin_pull_truststore_uri
  temporal_address           = var.temporal_address
  temporal_namespace         = "rialto"
  temporal_ui_url            = var.temporal_ui_url
  kyc_vendor_url             = var.kyc_vendor_url
  travel_rule_url            = var.travel_rule_url

  alarm_subscriptions = {
    on_call = { topic = "page", protocol = "email", endpoint = var.alarm_email }
    team    = { topic = "ticket", protocol = "email", endpoint = var.alarm_email }
  }
}
