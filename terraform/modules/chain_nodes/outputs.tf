output "private_ips" {
  description = "Addresses of the nodes, by name: bitcoin-0, bitcoin-1, ..."
  value       = { for name, node in aws_instance.node : name => node.private_ip }
}
