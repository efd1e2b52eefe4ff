output "queue_arns" {
  value = {
    orders      = aws_sqs_queue.orders.arn
    orders-dead = aws_sqs_queue.orders_dead.arn
    events-dead = aws_sqs_queue.events_dead.arn
  }
}

output "queue_names" {
  value = {
    orders      = aws_sqs_queue.orders.name
    orders-dead = aws_sqs_queue.orders_dead.name
    events-dead = aws_sqs_queue.events_dead.name
  }
}

output "stream_arns" {
  value = { for name, stream in aws_kinesis_stream.this : name => stream.arn }
}

output "stream_names" {
  value = { for name, stream in aws_kinesis_stream.this : name => stream.name }
}
