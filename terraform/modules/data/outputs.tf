output "postgres_endpoint" {
  value = aws_db_instance.this.endpoint
}

output "postgres_proxy_endpoint" {
  value = aws_db_proxy.this.endpoint
}

output "postgres_identifier" {
  value = aws_db_instance.this.identifier
}

output "valkey_endpoint" {
  value = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "search_endpoint" {
  value = aws_opensearch_domain.this.endpoint
}

output "search_domain_arn" {
  value = aws_opensearch_domain.this.arn
}

output "table_arns" {
  description = "Tables with their indexes: the projections, and the engine's leases."
  value = {
    projections = flatten([for name, table in aws_dynamodb_table.this : [table.arn, "${table.arn}/index/*", "${table.arn}-g*"] if name != "leases"])
    leases      = [aws_dynamodb_table.this["leases"].arn]
  }
}

output "table_names" {
  value = { for name, table in aws_dynamodb_table.this : name => table.name }
}

output "bucket_arns" {
  value = { for name, bucket in aws_s3_bucket.this : name => bucket.arn }
}

output "bucket_names" {
  value = { for name, bucket in aws_s3_bucket.this : name => bucket.id }
}
