variable "order_queue" {
  description = "Name of the order queue without .fifo."
  type        = string
  default     = "rialto-orders"

  validation {
    condition     = !endswith(var.order_queue, ".fifo")
    error_message = "Give the name without .fifo; the module adds it."
  }
}

variable "stream_shards" {
  description = "Shards of each stream: chain-events, market-events."
  type        = map(number)
}

variable "key_arn" {
  description = "KMS key of queues and streams."
  type        = string
}
