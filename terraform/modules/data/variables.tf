variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "vpc_id" {
  type = string
}

variable "vpc_cidr" {
  type = string
}

variable "data_subnet_ids" {
  description = "Subnets without a route to the internet."
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Security groups of the processes that may connect."
  type        = list(string)
}

variable "key_arn" {
  description = "KMS key of the stores."
  type        = string
}

variable "document_key_arn" {
  description = "KMS key of KYC documents."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "search_role_arns" {
  description = "Roles that may call OpenSearch."
  type        = list(string)
}

variable "multi_az" {
  description = "Standbys in other zones."
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
  type    = number
  default = 200
}

variable "backup_retention_days" {
  description = "Days of point-in-time recovery."
  type        = number
  default     = 35

  validation {
    condition     = var.backup_retention_days >= 7 && var.backup_retention_days <= 35
    error_message = "Keep between 7 and 35 days of backups."
  }
}

variable "valkey_node_type" {
  type = string
}

variable "search_instance_type" {
  type = string
}

variable "search_storage_gib" {
  type    = number
  default = 100
}

variable "journal_lock_days" {
  description = "Days during which journal segments and proofs cannot be changed."
  type        = number
  default     = 400
}

variable "table_prefix" {
  description = "Prefix of DynamoDB tables."
  type        = string
  default     = "rialto-"
}
