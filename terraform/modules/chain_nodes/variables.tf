variable "name" {
  description = "Prefix of every name, such as rialto-prod."
  type        = string
}

variable "network" {
  description = "mainnet, or testnet (signet and Sepolia)."
  type        = string

  validation {
    condition     = contains(["mainnet", "testnet"], var.network)
    error_message = "Networks are mainnet and testnet."
  }
}

variable "vpc_id" {
  type = string
}

variable "private_subnet_ids" {
  type = list(string)
}

variable "client_security_group_ids" {
  description = "Security groups of the processes that call the nodes."
  type        = list(string)
}

variable "key_arn" {
  type = string
}

variable "nodes" {
  description = "Nodes by chain: bitcoin, ethereum."
  type = map(object({
    count            = number
    instance_type    = string
    disk_gib         = number
    disk_iops        = number
    software_version = string
    software_sha256  = string
    rpc_secret_arn   = string
  }))

  validation {
    condition     = alltrue([for chain in keys(var.nodes) : contains(["bitcoin", "ethereum"], chain)])
    error_message = "Chains are bitcoin and ethereum."
  }

  validation {
    condition     = alltrue([for node in values(var.nodes) : length(node.software_sha256) == 64])
    error_message = "Node software is pinned by its SHA-256."
  }
}
