output "balancer_dns_name" {
  value = aws_lb.this.dns_name
}

output "group_name" {
  value = aws_autoscaling_group.api.name
}
