# Keys. Data keys (symmetric) encrypt stores, logs and Temporal payloads. Hot wallets are secp256k1 signing
# keys: the private half never leaves KMS, and only the signer's role may call Sign. The staff portal signs
# what staff do with a key of its own. A test compares the aliases with those that the processes look up.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account_root = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"

  data_keys = {
    data     = "Encrypts the stores, queues and streams"
    payloads = "Wraps the data keys of Temporal payloads"
    seed     = "Seals the seed of the deposit addresses"
    document = "Encrypts KYC documents in S3, and what names a customer"
    api      = "Wraps the key of what customers' logins keep: second factors, API keys"
    webhooks = "Seals the secrets that customers' webhooks are signed with"
    logs     = "Encrypts CloudWatch log groups"
  }

  data_aliases = { document = "documents", api = "api-secrets" }

  # Which processes use which data key. Nobody but the signer can open the seed.
  data_key_users = {
    data     = [for role in aws_iam_role.process : role.arn]
    payloads = [for name in local.temporal_processes : aws_iam_role.process[name].arn]
    seed     = [aws_iam_role.process["signer-worker"].arn]
    document = [for name in ["api", "compliance-worker", "staff"] : aws_iam_role.process[name].arn]
    api      = [aws_iam_role.process["api"].arn]
    webhooks = [for name in ["api", "webhook-worker"] : aws_iam_role.process[name].arn]
    logs     = []
  }
}

data "aws_iam_policy_document" "data_key" {
  for_each = local.data_keys

  statement {
    sid       = "AdministerByAccount"
    actions   = ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.account_root]
    }
  }

  dynamic "statement" {
    for_each = length(local.data_key_users[each.key]) > 0 ? [1] : []
    content {
      sid       = "UseByProcesses"
      actions   = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = local.data_key_users[each.key]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(["data", "logs"], each.key) ? [1] : []
    content {
      sid       = "UseByServices"
      actions   = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]
      resources = ["*"]
      principals {
        type        = "Service"
        identifiers = each.key == "logs" ? ["logs.${data.aws_region.current.region}.amazonaws.com"] : ["rds.amazonaws.com", "dynamodb.amazonaws.com", "sqs.amazonaws.com", "kinesis.amazonaws.com", "es.amazonaws.com", "sns.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]
      }
    }
  }
}

resource "aws_kms_key" "data" {
  for_each = local.data_keys

  description             = each.value
  enable_key_rotation     = true
  deletion_window_in_days = 30

  tags = { Name = "${var.name}-${each.key}" }
}

# Apart from the key: roles trust the cluster, and the cluster's disks need the key.
resource "aws_kms_key_policy" "data" {
  for_each = local.data_keys

  key_id = aws_kms_key.data[each.key].id
  policy = data.aws_iam_policy_document.data_key[each.key].json
}

resource "aws_kms_alias" "data" {
  for_each = local.data_keys

  name          = "alias/${var.alias_prefix}-${lookup(local.data_aliases, each.key, each.key)}"
  target_key_id = aws_kms_key.data[each.key].key_id
}

data "aws_iam_policy_document" "hot_wallet" {
  # Administration without Sign: even an administrator of the account needs a change of this policy, which
  # CloudTrail reports, before a coin can move.
  statement {
    sid       = "AdministerWithoutSigning"
    actions   = ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Disable*", "kms:Get*", "kms:TagResource", "kms:UntagResource", "kms:CancelKeyDeletion"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.account_root]
    }
  }

  statement {
    sid       = "SignBySignerOnly"
    actions   = ["kms:Sign"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.process["signer-worker"].arn]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:MessageType"
      values   = ["DIGEST"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:SigningAlgorithm"
      values   = ["ECDSA_SHA_256"]
    }
  }

  statement {
    sid       = "ReadPublicKey"
    actions   = ["kms:GetPublicKey", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [for name in ["signer-worker", "bitcoin-worker", "ethereum-worker", "wallet-service"] : aws_iam_role.process[name].arn]
    }
  }
}

resource "aws_kms_key" "hot_wallet" {
  for_each = toset(["bitcoin", "ethereum"])

  description              = "Hot wallet of ${each.key}: signs digests for the signer only"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_SECG_P256K1"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.hot_wallet.json

  tags = { Name = "${var.name}-hot-${each.key}" }

  lifecycle {
    prevent_destroy = true # A lost signing key is lost coins.
  }
}

resource "aws_kms_alias" "hot_wallet" {
  for_each = aws_kms_key.hot_wallet

  name          = "alias/${var.alias_prefix}-hot-${each.key}"
  target_key_id = each.value.key_id
}

data "aws_iam_policy_document" "staff" {
  statement {
    sid       = "AdministerWithoutSigning"
    actions   = ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Disable*", "kms:Get*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.account_root]
    }
  }

  statement {
    sid       = "SignByPortalOnly"
    actions   = ["kms:Sign"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.process["staff"].arn]
    }
  }

  # Workers believe an update only with the portal's signature.
  statement {
    sid       = "ReadPublicKey"
    actions   = ["kms:GetPublicKey", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [for name in local.temporal_processes : aws_iam_role.process[name].arn]
    }
  }
}

resource "aws_kms_key" "staff" {
  description              = "Staff portal: signs each action of staff"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.staff.json

  tags = { Name = "${var.name}-staff" }
}

resource "aws_kms_alias" "staff" {
  name          = "alias/${var.alias_prefix}-staff"
  target_key_id = aws_kms_key.staff.key_id
}
