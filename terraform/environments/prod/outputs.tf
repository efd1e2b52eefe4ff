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

output "image_repository_urls" {
  value = module.exchange.image_repository_urls
}

output "origin_pull_trust_store" {
  value = module.exchange.origin_pull_trust_store
}

output "controller_role_arns" {
  value = module.exchange.controller_role_arns
}
