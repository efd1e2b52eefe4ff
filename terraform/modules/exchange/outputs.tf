output "urls" {
  value = module.edge.urls
}

output "role_arns" {
  description = "For the service accounts of k8s/overlays."
  value       = module.security.role_arns
}

output "process_environment" {
  description = "For the config map of k8s/overlays."
  value       = local.process_environment
}

output "secret_addresses" {
  description = "For the secrets of the processes: addresses without logins."
  value       = local.secret_addresses
}

output "cluster_name" {
  value = module.eks.cluster_name
}

output "image_repository_urls" {
  description = "For `images` of k8s/overlays."
  value       = module.eks.image_repository_urls
}

output "origin_pull_trust_store" {
  description = "For the ingress `front` of k8s/overlays."
  value       = module.edge.origin_pull_trust_store
}

output "hot_wallet_key_arns" {
  value = module.security.hot_wallet_key_arns
}

output "controller_role_arns" {
  description = "For the charts of k8s/controllers."
  value       = module.eks.controller_role_arns
}
