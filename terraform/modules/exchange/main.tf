# The whole exchange, wired. An environment says only how large.

locals {
  name = "rialto-${var.environment}"

  # What every process is told; k8s/ and the Auto Scaling Group use the same names as `make up`.
  process_environment = {
    AWS_REGION                = data.aws_region.current.region
    RIALTO_EMF_SECONDS        = "60"
    RIALTO_ORDER_QUEUE        = module.messaging.queue_names["orders"]
    RIALTO_TABLE_PREFIX       = "rialto-"
    RIALTO_OPENSEARCH_URL     = "https://${module.data.search_endpoint}"
    RIALTO_VALKEY_URL         = "valkeys://${module.data.valkey_endpoint}:6379/0"
    RIALTO_TEMPORAL_ADDRESS   = var.temporal_address
    RIALTO_TEMPORAL_NAMESPACE = var.temporal_namespace
    RIALTO_ETHEREUM_CHAIN_ID  = var.network == "mainnet" ? "1" : "11155111"
    RIALTO_BITCOIN_NETWORK    = var.network == "mainnet" ? "bitcoin" : "signet"
    RIALTO_ETHEREUM_RPC_URL   = "http://${module.chain_nodes.private_ips["ethereum-0"]}:8545"
    RIALTO_DOCUMENTS_BUCKET   = module.data.bucket_names["documents"]
    RIALTO_JOURNAL_BUCKET     = module.data.bucket_names["journal"]
    RIALTO_TEMPORAL_UI_URL    = var.temporal_ui_url
    RIALTO_STAFF_URL          = "https://staff.${var.domain}"
    RIALTO_PASSKEY_DOMAIN     = var.domain
    RIALTO_CORS_ORIGINS       = "https://www.${var.domain}"
    RIALTO_TRUSTED_PROXIES    = join(",", concat([module.network.cidr], var.cdn_cidrs))
    RIALTO_KYC_VENDOR_URL     = var.kyc_vendor_url
    RIALTO_TRAVEL_RULE_URL    = var.travel_rule_url
  }

  # What operators put into the secrets of the processes, with the login that is not ours to know.
  secret_addresses = {
    RIALTO_DATABASE_URL    = "postgresql+asyncpg://ROLE:PASSWORD@${module.data.postgres_endpoint}/rialto?ssl=verify-full"
    RIALTO_BITCOIN_RPC_URL = "http://USER:PASSWORD@${module.chain_nodes.private_ips["bitcoin-0"]}:8332"
  }
}

# Whether there is something to lead to is known when planning, even where its address is not.
locals {
  has_balancer  = var.api_group != null || var.balancer_listener_arn != null
  stream_origin = var.api_group == null ? var.front_origin : module.api_group[0].stream_origin
  front_origins = {
    for host, origin in { www = var.front_origin, stream = local.stream_origin } : host => origin
    if var.front_origin != null || (host == "stream" && var.api_group != null)
  }
}

data "aws_region" "current" {}

module "network" {
  source = "../network"

  name              = local.name
  cidr              = var.cidr
  nat_gateway_count = var.highly_available ? 3 : 1
  logs_key_arn      = module.security.key_arns["logs"]
}

module "security" {
  source = "../security"

  name               = local.name
  oidc_provider_arn  = module.eks.oidc_provider_arn
  oidc_provider_host = module.eks.oidc_provider_host
  api_runs_on_ec2    = var.api_group != null
  queue_arns         = module.messaging.queue_arns
  stream_arns        = module.messaging.stream_arns
  table_arns         = module.data.table_arns
  bucket_arns        = module.data.bucket_arns
  search_domain_arn  = module.data.search_domain_arn
  trail_bucket       = module.data.bucket_names["trail"]
}

module "data" {
  source = "../data"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  vpc_cidr                  = module.network.cidr
  data_subnet_ids           = module.network.data_subnet_ids
  client_security_group_ids = [module.eks.cluster_security_group_id, module.network.api_security_group_id]
  key_arn                   = module.security.key_arns["data"]
  document_key_arn          = module.security.key_arns["document"]
  logs_key_arn              = module.security.key_arns["logs"]
  search_role_arns          = [module.security.role_arns["api"], module.security.role_arns["data-processor"]]
  multi_az                  = var.highly_available
  deletion_protection       = var.deletion_protection
  postgres_instance_class   = var.postgres_instance_class
  postgres_storage_gib      = var.postgres_storage_gib
  valkey_node_type          = var.valkey_node_type
  search_instance_type      = var.search_instance_type
  journal_lock_days         = var.journal_lock_days
}

module "messaging" {
  source = "../messaging"

  stream_shards = var.stream_shards
  key_arn       = module.security.key_arns["data"]
}

module "eks" {
  source = "../eks"

  name               = local.name
  private_subnet_ids = module.network.private_subnet_ids
  key_arn            = module.security.key_arns["data"]
  logs_key_arn       = module.security.key_arns["logs"]
  node_groups        = var.node_groups
}

module "api_group" {
  source = "../api_group"
  count  = var.api_group == null ? 0 : 1

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  vpc_cidr                  = module.network.cidr
  public_subnet_ids         = module.network.public_subnet_ids
  private_subnet_ids        = module.network.private_subnet_ids
  security_group_id         = module.network.api_security_group_id
  cdn_cidrs                 = var.cdn_cidrs
  gateway_security_group_id = module.edge.link_security_group_id
  trust_store_arn           = module.edge.trust_store_arn
  certificate_arn           = module.edge.certificate_arn
  access_log_bucket         = module.data.bucket_names["access-logs"]
  api_role_name             = module.security.role_names["api"]
  image                     = var.image
  environment               = local.process_environment
  key_arn                   = module.security.key_arns["data"]
  log_group                 = module.observability.log_group_names["api"]
  instance_type             = var.api_group.instance_type
  instances_min             = var.api_group.min
  instances_max             = var.api_group.max
}

module "chain_nodes" {
  source = "../chain_nodes"

  name                      = local.name
  network                   = var.network
  vpc_id                    = module.network.vpc_id
  private_subnet_ids        = module.network.private_subnet_ids
  client_security_group_ids = [module.eks.cluster_security_group_id]
  key_arn                   = module.security.key_arns["data"]
  nodes                     = var.chain_nodes
}

module "lambdas" {
  source = "../lambdas"

  name               = local.name
  vpc_id             = module.network.vpc_id
  vpc_cidr           = module.network.cidr
  private_subnet_ids = module.network.private_subnet_ids
  role_arns          = module.security.role_arns
  role_names         = module.security.role_names
  code_bucket        = var.code_bucket
  release            = var.release
  environment        = local.process_environment
  stream_arns        = module.messaging.stream_arns
  dead_letter_arn    = module.messaging.queue_arns["events-dead"]
  key_arn            = module.security.key_arns["data"]
  logs_key_arn       = module.security.key_arns["logs"]
}

module "edge" {
  source = "../edge"

  name                       = local.name
  domain                     = var.domain
  zone_id                    = var.zone_id
  vpc_id                     = module.network.vpc_id
  vpc_cidr                   = module.network.cidr
  private_subnet_ids         = module.network.private_subnet_ids
  balancer_listener_arn      = var.api_group == null ? var.balancer_listener_arn : module.api_group[0].listener_arn
  wallet_service_invoke_arn  = module.lambdas.wallet_service_invoke_arn
  wallet_service_name        = module.lambdas.wallet_service_name
  has_balancer               = local.has_balancer
  front_origins              = local.front_origins
  origin_pull_truststore_uri = var.origin_pull_truststore_uri
  logs_key_arn               = module.security.key_arns["logs"]
}

module "observability" {
  source = "../observability"

  name                    = local.name
  processes               = keys(module.security.role_arns)
  subscriptions           = var.alarm_subscriptions
  dead_letter_queue_names = { orders = module.messaging.queue_names["orders-dead"], events = module.messaging.queue_names["events-dead"] }
  postgres_identifier     = module.data.postgres_identifier
  key_arn                 = module.security.key_arns["data"]
  logs_key_arn            = module.security.key_arns["logs"]
}
