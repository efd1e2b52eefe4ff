variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "domain" {
  type = string
}

variable "zone_id" {
  description = "Cloudflare zone of the domain."
  type        = string
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

variable "cdn_cidrs" {
  description = "Cloudflare's published IPv4 ranges."
  type        = list(string)
}

variable "temporal_address" {
  type = string
}

variable "node_secret_arns" {
  description = "Secrets with the nodes' RPC logins: bitcoin, ethereum."
  type        = map(string)
}

variable "node_software" {
  description = "Version and SHA-256 of the release archives that you verified: bitcoin (Core), ethereum (geth)."
  type = map(object({
    version = string
    sha256  = string
  }))
}

variable "alarm_email" {
  type = string
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
