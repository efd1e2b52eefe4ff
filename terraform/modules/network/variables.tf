variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC; a /16."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "The VPC takes a /16 range, such as 10.20.0.0/16."
  }
}

variable "zone_count" {
  description = "Availability zones used."
  type        = number
  default     = 3

  validation {
    condition     = var.zone_count >= 2 && var.zone_count <= 4
    error_message = "Two to four zones: the address plan has room for four."
  }
}

variable "nat_gateway_count" {
  description = "NAT gateways: one a zone in production, one in all in dev (about 32 USD a month each)."
  type        = number
}

variable "interface_endpoints" {
  description = "AWS services reached through interface endpoints."
  type        = list(string)
  default     = ["sqs", "kinesis-streams", "kms", "secretsmanager", "logs", "monitoring", "sts", "ecr.api", "ecr.dkr"]
}

variable "flow_log_retention_days" {
  description = "Days that VPC flow logs are kept."
  type        = number
  default     = 90
}

variable "logs_key_arn" {
  description = "KMS key that encrypts log groups."
  type        = string
}
