variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "kubernetes_version" {
  type    = string
  default = "1.33"
}

variable "private_subnet_ids" {
  type = list(string)
}

variable "key_arn" {
  description = "KMS key of cluster secrets, disks and images."
  type        = string
}

variable "secret_prefix" {
  description = "What the names of the processes' secrets begin with."
  type        = string
  default     = "rialto"
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "node_groups" {
  description = "Node groups. A dedicated one takes only pods that ask for it."
  type = map(object({
    instance_types = list(string)
    min            = number
    max            = number
    disk_gib       = number
    dedicated      = bool
  }))

  validation {
    condition     = alltrue([for group in values(var.node_groups) : group.min >= 1 && group.max >= group.min])
    error_message = "Every node group keeps at least one node, and its maximum is not below its minimum."
  }
}
