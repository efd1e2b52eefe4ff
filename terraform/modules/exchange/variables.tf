variable "environment" {
  description = "dev or prod; part of every name."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "Environments are dev and prod."
  }
}

variable "domain" {
  type = string
}

variable "zone_id" {
  description = "Cloudflare zone of the domain."
  type        = string
}

variable "cidr" {
  type = string
}

variable "network" {
  description = "Chains: mainnet or testnet."
  type        = string
}

variable "highly_available" {
  description = "Standbys in other zones, a NAT gateway a zone."
  type        = bool
}

variable "deletion_protection" {
  type    = bool
  default = true
}

variable "postgres_instance_class" {
  type = string
}

variable "postgres_storage_gib" {
  type = number
}

variable "valkey_node_type" {
  type = string
}

variable "search_instance_type" {
  type = string
}

variable "journal_lock_days" {
  type = number
}

variable "stream_shards" {
  type = map(number)
}

variable "node_groups" {
  type = map(object({
    instance_types = list(string)
    min            = number
    max            = number
    disk_gib       = number
    dedicated      = bool
  }))
}

variable "chain_nodes" {
  type = map(object({
    count            = number
    instance_type    = string
    disk_gib         = number
    disk_iops        = number
    software_version = string
    software_sha256  = string
    rpc_secret_arn   = string
  }))
}

variable "api_group" {
  description = "Run the API in an Auto Scaling Group of this size; null runs it in the cluster."
  type = object({
    instance_type = string
    min           = number
    max           = number
  })
  default = null
}

variable "cdn_cidrs" {
  description = "Cloudflare's published IPv4 ranges."
  type        = list(string)
}

variable "image" {
  description = "Container image by digest."
  type        = string
}

variable "release" {
  description = "Release whose function archives are deployed."
  type        = string
}

variable "code_bucket" {
  type = string
}

variable "balancer_listener_arn" {
  description = "HTTPS listener of the load balancer that the ingress api makes; null at the first apply."
  type        = string
  default     = null
}

variable "front_origin" {
  description = "Host name of the load balancer that the ingress front makes; null at the first apply."
  type        = string
  default     = null
}

variable "origin_pull_truststore_uri" {
  type = string
}

variable "temporal_address" {
  description = "Temporal Cloud, or the cluster's own frontend."
  type        = string
}

variable "temporal_namespace" {
  type = string
}

variable "alarm_subscriptions" {
  type = map(object({
    topic    = string
    protocol = string
    endpoint = string
  }))
}

variable "temporal_ui_url" {
  description = "Temporal's UI, as the staff portal reaches it."
  type        = string
}

variable "kyc_vendor_url" {
  type = string
}

variable "travel_rule_url" {
  description = "The network of exchanges that carries travel-rule messages."
  type        = string
}
