output "topic_arns" {
  value = { for name, topic in aws_sns_topic.alarm : name => topic.arn }
}

output "log_group_names" {
  value = { for name, group in aws_cloudwatch_log_group.process : name => group.name }
}

output "alarm_names" {
  description = "Alarms that need a runbook of the same name; a test compares them with docs/runbooks."
  value       = keys(local.alarms)
}
