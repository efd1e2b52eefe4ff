# Testnets, one zone of each store: about 1,000 USD a month (docs/cost.md).
module "exchange" {
  source = "../../modules/exchange"

  environment             = "dev"
  domain                  = var.domain
  zone_id                 = var.zone_id
  cidr                    = "10.30.0.0/16"
  network                 = "testnet"
  highly_available        = false
  deletion_protection     = false
  postgres_instance_class = "db.t4g.large"
  postgres_storage_gib    = 50
  valkey_node_type        = "cache.t4g.small"
  search_instance_type    = "t3.medium.search"
  journal_lock_days       = 30
  stream_shards           = { chain-events = 1, market-events = 1 }

  node_groups = {
    general = { instance_types = ["m7g.large"], min = 2, max = 4, disk_gib = 80, dedicated = false }
    engine  = { instance_types = ["c7g.large"], min = 1, max = 1, disk_gib = 80, dedicated = true }
  }

  chain_nodes = {
    bitcoin = {
      count            = 1
      instance_type    = "t4g.large"
      disk_gib         = 100
      disk_iops        = 6000
      software_version = var.node_software["bitcoin"].version
      software_sha256  = var.node_software["bitcoin"].sha256
      rpc_secret_arn   = var.node_secret_arns["bitcoin"]
    }
    ethereum = {
      count            = 1
      instance_type    = "m7g.xlarge"
      disk_gib         = 500
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
