# Pub/sub, rate limits. Nothing here is worth a backup: it is rebuilt in seconds.

resource "aws_security_group" "valkey" {
  name        = "${var.name}-valkey"
  description = "Valkey from the processes"
  vpc_id      = var.vpc_id

  ingress {
    description     = "Valkey over TLS"
    from_port       = 6379
    to_port         = 6379
    protocol        = "tcp"
    security_groups = var.client_security_group_ids
  }

  tags = { Name = "${var.name}-valkey" }
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.data_subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Pub/sub and rate limits"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = var.valkey_node_type
  num_cache_clusters         = var.multi_az ? 2 : 1
  automatic_failover_enabled = var.multi_az
  multi_az_enabled           = var.multi_az
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  kms_key_id                 = var.key_arn
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.valkey.id]
  port                       = 6379
}
