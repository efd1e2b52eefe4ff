variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "namespace" {
  description = "CloudWatch namespace of Rialto's own metrics (EMF)."
  type        = string
  default     = "Rialto"
}

variable "processes" {
  description = "Names of the processes; each has a log group."
  type        = list(string)
}

variable "log_retention_days" {
  type    = number
  default = 400

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 or 3653 days."
  }
}

variable "subscriptions" {
  description = "Who is told: topic page or ticket, protocol, endpoint."
  type = map(object({
    topic    = string
    protocol = string
    endpoint = string
  }))

  validation {
    condition     = anytrue([for subscription in values(var.subscriptions) : subscription.topic == "page"])
    error_message = "Somebody must be paged."
  }
}

variable "dead_letter_queue_names" {
  type = map(string)
}

variable "postgres_identifier" {
  type = string
}

variable "runbook_url" {
  type    = string
  default = "docs/runbooks"
}

variable "key_arn" {
  type = string
}

variable "logs_key_arn" {
  type = string
}
