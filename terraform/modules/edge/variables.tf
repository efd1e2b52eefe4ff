variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "domain" {
  description = "The exchange's domain; www., stream., api., wallet-service. and search. hang below it."
  type        = string
}

variable "zone_id" {
  description = "Cloudflare zone of the domain."
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

variable "has_balancer" {
  description = "Whether there is a load balancer in front of the API yet."
  type        = bool
}

variable "balancer_listener_arn" {
  description = "HTTPS listener of the internal load balancer in front of the API (cluster ingress or group); null until there is one."
  type        = string
}

variable "wallet_service_invoke_arn" {
  type = string
}

variable "wallet_service_name" {
  type = string
}

variable "front_origins" {
  description = "Host names of the public load balancers behind www. (pages) and stream. (WebSockets); empty until there are some."
  type        = map(string)
}

variable "origin_pull_truststore_uri" {
  description = "s3:// address of Cloudflare's origin-pull CA."
  type        = string
}

variable "gateway_requests_per_second" {
  type    = number
  default = 5000
}

variable "blocked_countries" {
  description = "ISO 3166 codes; compliance decides."
  type        = list(string)
  default     = ["KP", "IR", "SY", "CU"]

  validation {
    condition     = alltrue([for country in var.blocked_countries : can(regex("^[A-Z]{2}$", country))])
    error_message = "Countries are two capital letters."
  }
}

variable "logs_key_arn" {
  type = string
}
