output "urls" {
  value = module.exchange.urls
}

output "role_arns" {
  value = module.exchange.role_arns
}

output "process_environment" {
  value = module.exchange.process_environment
}

output "secret_addresses" {
  value = module.exchange.secret_addresses
}

output "cluster_name" {
  value = module.exchange.cluster_name
}
