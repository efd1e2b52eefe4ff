output "cluster_name" {
  value = aws_eks_cluster.this.name
}

output "cluster_security_group_id" {
  value = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "oidc_provider_arn" {
  value = aws_iam_openid_connect_provider.this.arn
}

output "oidc_provider_host" {
  value = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://", "")
}

output "image_repository_urls" {
  description = "Where the two images are pushed: every process, and the web application."
  value       = { for name, repository in aws_ecr_repository.this : trimprefix(name, var.name) == "" ? "rialto" : "web" => repository.repository_url }
}

output "controller_role_arns" {
  value = { for name, role in aws_iam_role.controller : name => role.arn }
}
