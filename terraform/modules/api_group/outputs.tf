output "listener_arn" {
  description = "Of the internal load balancer, for API Gateway."
  value       = aws_lb_listener.internal.arn
}

output "stream_origin" {
  description = "Host name of the public load balancer, for the WebSockets."
  value       = aws_lb.this["public"].dns_name
}

output "group_name" {
  value = aws_autoscaling_group.api.name
}
