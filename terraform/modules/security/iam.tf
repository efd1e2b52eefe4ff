# One role per process, assumed through the cluster's OIDC provider by exactly one Kubernetes service account.
# What a process may do is one list below; what is not in it, it cannot.

locals {
  processes = toset([
    "api", "wallet-service", "staff", "matching-engine", "shipper", "order-relay", "workflow-worker",
    "compliance-worker", "bitcoin-worker", "ethereum-worker", "signer-worker", "event-listener", "data-processor",
    "webhook-worker",
  ])

  # Those that speak to Temporal, and so need the payload key.
  temporal_processes = [
    "api", "staff", "shipper", "workflow-worker", "compliance-worker", "bitcoin-worker", "ethereum-worker",
    "signer-worker", "event-listener", "webhook-worker",
  ]

  namespace_of = { for name in local.processes : name => name == "signer-worker" ? "rialto-signer" : "rialto" }

  queue_arns  = var.queue_arns
  stream_arns = var.stream_arns
  table_arns  = var.table_arns
  bucket_arns = var.bucket_arns

  permissions = {
    api = [
      { actions = ["sqs:SendMessage", "sqs:GetQueueUrl"], resources = [local.queue_arns["orders"]] },
      { actions = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"], resources = local.table_arns["projections"] },
      { actions = ["s3:PutObject"], resources = ["${local.bucket_arns["documents"]}/*"] },
      { actions = ["kms:GenerateDataKey"], resources = [aws_kms_key.data["webhooks"].arn] },
      { actions = ["es:ESHttpGet", "es:ESHttpPost"], resources = ["${var.search_domain_arn}/*"] },
    ]
    wallet-service = [
      { actions = ["kms:GetPublicKey"], resources = [for key in aws_kms_key.hot_wallet : key.arn] },
    ]
    staff = [
      { actions = ["kms:Decrypt"], resources = [aws_kms_key.data["payloads"].arn] },
      { actions = ["kms:Sign", "kms:GetPublicKey"], resources = [aws_kms_key.staff.arn] },
      { actions = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"], resources = local.table_arns["projections"] },
      { actions = ["es:ESHttpGet", "es:ESHttpPost"], resources = ["${var.search_domain_arn}/*"] },
    ]
    matching-engine = [
      { actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"], resources = [local.queue_arns["orders"]] },
      { actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resources = local.table_arns["leases"] },
      { actions = ["s3:PutObject", "s3:GetObject"], resources = ["${local.bucket_arns["journal"]}/*"] },
    ]
    shipper = [
      { actions = ["kinesis:PutRecords", "kinesis:PutRecord", "kinesis:DescribeStreamSummary", "kinesis:ListShards"], resources = [local.stream_arns["market-events"]] },
      { actions = ["dynamodb:GetItem"], resources = local.table_arns["leases"] },
      { actions = ["s3:PutObject", "s3:GetObject"], resources = ["${local.bucket_arns["journal"]}/*"] },
    ]
    order-relay = [
      { actions = ["sqs:SendMessage", "sqs:GetQueueUrl"], resources = [local.queue_arns["orders"]] },
    ]
    workflow-worker = [
      { actions = ["dynamodb:PutItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"], resources = local.table_arns["projections"] },
      { actions = ["s3:PutObject"], resources = ["${local.bucket_arns["proofs"]}/*"] },
    ]
    compliance-worker = [
      { actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], resources = ["${local.bucket_arns["documents"]}/*"] },
    ]
    bitcoin-worker  = [{ actions = ["kms:GetPublicKey"], resources = [aws_kms_key.hot_wallet["bitcoin"].arn] }]
    ethereum-worker = [{ actions = ["kms:GetPublicKey"], resources = [aws_kms_key.hot_wallet["ethereum"].arn] }]
    signer-worker = [
      { actions = ["kms:Sign", "kms:GetPublicKey"], resources = [for key in aws_kms_key.hot_wallet : key.arn] },
      { actions = ["kms:Decrypt"], resources = [aws_kms_key.data["seed"].arn] },
    ]
    webhook-worker = [
      { actions = ["kms:Decrypt"], resources = [aws_kms_key.data["webhooks"].arn] },
    ]
    event-listener = [
      { actions = ["kinesis:PutRecords", "kinesis:PutRecord", "kinesis:DescribeStreamSummary", "kinesis:ListShards"], resources = [local.stream_arns["chain-events"]] },
    ]
    data-processor = [
      { actions = ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:ListShards"], resources = values(local.stream_arns) },
      { actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], resources = local.table_arns["projections"] },
      { actions = ["kinesis:PutRecords"], resources = [local.stream_arns["chain-events"]] },
      { actions = ["es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete", "es:ESHttpHead"], resources = ["${var.search_domain_arn}/*"] },
      { actions = ["sqs:SendMessage", "sqs:GetQueueUrl"], resources = [local.queue_arns["events-dead"]] },
    ]
  }
}

data "aws_iam_policy_document" "assume" {
  for_each = local.processes

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [var.oidc_provider_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.oidc_provider_host}:sub"
      values   = ["system:serviceaccount:${local.namespace_of[each.key]}:${each.key}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.oidc_provider_host}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }

  # The original layout runs the API in an Auto Scaling Group: the same role, taken by its instances.
  dynamic "statement" {
    for_each = each.key == "api" && var.api_runs_on_ec2 ? [1] : []
    content {
      actions = ["sts:AssumeRole"]
      principals {
        type        = "Service"
        identifiers = ["ec2.amazonaws.com"]
      }
    }
  }

  # The same handlers also run as Lambda functions.
  dynamic "statement" {
    for_each = contains(["wallet-service", "event-listener", "data-processor"], each.key) ? [1] : []
    content {
      actions = ["sts:AssumeRole"]
      principals {
        type        = "Service"
        identifiers = ["lambda.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "process" {
  for_each = local.processes

  name                 = "${var.name}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.assume[each.key].json
  max_session_duration = 3600

  tags = { Process = each.key }
}

data "aws_iam_policy_document" "process" {
  for_each = local.processes

  dynamic "statement" {
    for_each = local.permissions[each.key]
    content {
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  statement {
    sid       = "EncryptedStores"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data["data"].arn]
  }

  dynamic "statement" {
    for_each = contains(local.temporal_processes, each.key) ? [1] : []
    content {
      sid       = "TemporalPayloads"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [aws_kms_key.data["payloads"].arn]
    }
  }

  statement {
    sid       = "OwnSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["arn:aws:secretsmanager:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:secret:${var.alias_prefix}/${each.key}/*"]
  }
}

resource "aws_iam_role_policy" "process" {
  for_each = local.processes

  name   = "least-privilege"
  role   = aws_iam_role.process[each.key].id
  policy = data.aws_iam_policy_document.process[each.key].json
}
