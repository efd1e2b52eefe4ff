output "role_arns" {
  description = "Role of each process; k8s/ annotates the service accounts with them."
  value       = { for name, role in aws_iam_role.process : name => role.arn }
}

output "role_names" {
  value = { for name, role in aws_iam_role.process : name => role.name }
}

output "key_arns" {
  description = "Data keys by purpose."
  value       = { for name, key in aws_kms_key.data : name => key.arn }
}

output "hot_wallet_key_arns" {
  value = { for chain, key in aws_kms_key.hot_wallet : chain => key.arn }
}
