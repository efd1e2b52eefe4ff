output "urls" {
  value = module.exchange.urls
}

output "role_arns" {
  value = module.exchange.role_arns
}

output "process_environment" {
  value = module.exchange.process_environment
}

output "cluster_name" {
  value = module.exchange.cluster_name
}
