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

variable "private_subnet_ids" {
  type = list(string)
}

variable "role_arns" {
  description = "Roles by process."
  type        = map(string)
}

variable "role_names" {
  type = map(string)
}

variable "runtime" {
  type    = string
  default = "python3.11"
}

variable "code_bucket" {
  description = "Bucket that holds the archives of `make lambdas`."
  type        = string
}

variable "release" {
  description = "Folder of the archives in the bucket: the release's version."
  type        = string
}

variable "environment" {
  description = "Environment of the functions; no secrets."
  type        = map(string)
}

variable "stream_arns" {
  type = map(string)
}

variable "dead_letter_arn" {
  type = string
}

variable "key_arn" {
  type = string
}

variable "logs_key_arn" {
  type = string
}

variable "listener_runs_here" {
  description = "Whether the event listener runs as a function rather than in the cluster. Never both."
  type        = bool
  default     = false
}

variable "secret_prefix" {
  description = "Prefix of the secrets that hold each process's secret variables."
  type        = string
  default     = "rialto"
}
