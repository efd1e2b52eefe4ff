variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "alias_prefix" {
  description = "Prefix of KMS aliases; the processes look keys up by alias/PREFIX-..."
  type        = string
  default     = "rialto"
}

variable "oidc_provider_arn" {
  description = "The cluster's OIDC provider, through which service accounts take roles."
  type        = string
}

variable "oidc_provider_host" {
  description = "Its issuer without the scheme."
  type        = string
}

variable "api_runs_on_ec2" {
  description = "Whether the API runs in the Auto Scaling Group instead of the cluster."
  type        = bool
  default     = false
}

variable "queue_arns" {
  description = "ARNs of the queues: orders, orders-dead, events-dead."
  type        = map(string)
}

variable "stream_arns" {
  description = "ARNs of the streams: chain-events, market-events."
  type        = map(string)
}

variable "table_arns" {
  description = "ARNs of DynamoDB tables with their indexes: projections, leases."
  type        = map(list(string))
}

variable "bucket_arns" {
  description = "ARNs of buckets: documents, journal, proofs."
  type        = map(string)
}

variable "search_domain_arn" {
  description = "ARN of the OpenSearch domain."
  type        = string
}

variable "trail_bucket" {
  description = "Bucket that receives CloudTrail."
  type        = string
}
