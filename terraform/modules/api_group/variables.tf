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

variable "public_subnet_ids" {
  type = list(string)
}

variable "private_subnet_ids" {
  type = list(string)
}

variable "security_group_id" {
  description = "Security group of the API's instances; the stores let it in."
  type        = string
}

variable "cdn_cidrs" {
  description = "Address ranges of the CDN; nobody else reaches the public load balancer."
  type        = list(string)

  validation {
    condition     = !contains(var.cdn_cidrs, "0.0.0.0/0")
    error_message = "The load balancer is reached through the CDN only."
  }
}

variable "gateway_security_group_id" {
  description = "Security group of API Gateway's link into the VPC."
  type        = string
}

variable "trust_store_arn" {
  description = "Trust store with the CA of the CDN's client certificate."
  type        = string
}

variable "certificate_arn" {
  description = "ACM certificate of the API's host name."
  type        = string
}

variable "access_log_bucket" {
  description = "Bucket that receives the load balancer's access logs."
  type        = string
}

variable "api_role_name" {
  description = "IAM role of the API process."
  type        = string
}

variable "image" {
  description = "Container image by digest."
  type        = string

  validation {
    condition     = strcontains(var.image, "@sha256:")
    error_message = "Give the image by digest, so that what was tested is what runs."
  }
}

variable "environment" {
  description = "Environment of the process; no secrets."
  type        = map(string)
}

variable "key_arn" {
  type = string
}

variable "log_group" {
  type = string
}

variable "instance_type" {
  type    = string
  default = "c7g.large"
}

variable "instances_min" {
  type    = number
  default = 2
}

variable "instances_max" {
  type    = number
  default = 12
}

variable "api_port" {
  type    = number
  default = 8000
}

variable "secret_name" {
  description = "Secret with the API's secret variables."
  type        = string
  default     = "rialto/api/environment"
}
