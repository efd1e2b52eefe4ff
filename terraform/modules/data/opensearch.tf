# The search index: a projection, rebuilt by `rialto projections rebuild`.

resource "aws_security_group" "search" {
  name        = "${var.name}-search"
  description = "OpenSearch from the processes"
  vpc_id      = var.vpc_id

  ingress {
    description     = "HTTPS from the processes"
    from_port       = 443
    to_port         = 443
    protocol        = "tcp"
    security_groups = var.client_security_group_ids
  }

  tags = { Name = "${var.name}-search" }
}

data "aws_iam_policy_document" "search" {
  statement {
    actions   = ["es:ESHttp*"]
    resources = ["arn:aws:es:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:domain/${var.name}/*"]
    principals {
      type        = "AWS"
      identifiers = var.search_role_arns
    }
  }
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_opensearch_domain" "this" {
  domain_name     = var.name
  engine_version  = "OpenSearch_2.19"
  access_policies = data.aws_iam_policy_document.search.json

  cluster_config {
    instance_type            = var.search_instance_type
    instance_count           = var.multi_az ? 3 : 1
    zone_awareness_enabled   = var.multi_az
    dedicated_master_enabled = var.multi_az
    dedicated_master_count   = var.multi_az ? 3 : null
    dedicated_master_type    = var.multi_az ? "m6g.large.search" : null

    dynamic "zone_awareness_config" {
      for_each = var.multi_az ? [1] : []
      content {
        availability_zone_count = 3
      }
    }
  }

  ebs_options {
    ebs_enabled = true
    volume_type = "gp3"
    volume_size = var.search_storage_gib
  }

  encrypt_at_rest {
    enabled    = true
    kms_key_id = var.key_arn
  }

  node_to_node_encryption {
    enabled = true
  }

  domain_endpoint_options {
    enforce_https       = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }

  vpc_options {
    subnet_ids         = slice(var.data_subnet_ids, 0, var.multi_az ? 3 : 1)
    security_group_ids = [aws_security_group.search.id]
  }

  dynamic "log_publishing_options" {
    for_each = toset(["INDEX_SLOW_LOGS", "ES_APPLICATION_LOGS"])
    content {
      log_type                 = log_publishing_options.value
      cloudwatch_log_group_arn = aws_cloudwatch_log_group.search.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "search" {
  name              = "/rialto/${var.name}/opensearch"
  retention_in_days = 90
  kms_key_id        = var.logs_key_arn
}
