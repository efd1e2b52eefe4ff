# Order frames (SQS FIFO) and event streams (Kinesis).

resource "aws_sqs_queue" "orders_dead" {
  name                      = "${var.order_queue}-dead.fifo"
  fifo_queue                = true
  message_retention_seconds = 1209600
  kms_master_key_id         = var.key_arn
}

# High-throughput mode: limits and de-duplication count per market group, not per queue.
resource "aws_sqs_queue" "orders" {
  name                        = "${var.order_queue}.fifo"
  fifo_queue                  = true
  content_based_deduplication = false
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  message_retention_seconds   = 1209600
  visibility_timeout_seconds  = 30
  receive_wait_time_seconds   = 20
  kms_master_key_id           = var.key_arn

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.orders_dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "orders_dead" {
  queue_url = aws_sqs_queue.orders_dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.orders.arn]
  })
}

# Events that no processor could read, with the reason: replayed by command after a fix.
resource "aws_sqs_queue" "events_dead" {
  name                      = "rialto-events-dead"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.key_arn
}

resource "aws_kinesis_stream" "this" {
  for_each = var.stream_shards

  name             = "rialto-${each.key}"
  shard_count      = each.value
  retention_period = 168
  encryption_type  = "KMS"
  kms_key_id       = var.key_arn

  shard_level_metrics = ["IncomingBytes", "IncomingRecords", "IteratorAgeMilliseconds", "WriteProvisionedThroughputExceeded"]

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
}
