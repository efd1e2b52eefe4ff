# Documents (KYC), the engine's journal archive, published proofs, the audit trail, and who called the load balancers.

locals {
  buckets = {
    documents = { lock_days = 0, expire_days = 0 }
    journal   = { lock_days = var.journal_lock_days, expire_days = 0 }
    proofs    = { lock_days = var.journal_lock_days, expire_days = 0 }
    trail     = { lock_days = var.journal_lock_days, expire_days = 2555 } # Seven years.

    access-logs = { lock_days = 0, expire_days = 365 }
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets

  bucket              = "${var.name}-${each.key}-${data.aws_caller_identity.current.account_id}"
  object_lock_enabled = each.value.lock_days > 0
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = each.key != "access-logs"

    # Load balancers write their logs under S3's own key only.
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.key == "access-logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "access-logs" ? null : each.key == "documents" ? var.document_key_arn : var.key_arn
    }
  }
}

# Journal segments and proofs cannot be rewritten by anybody, the account's root included.
resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = { for name, rule in local.buckets : name => rule if rule.lock_days > 0 }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = each.value.lock_days
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 365
    }

    dynamic "expiration" {
      for_each = local.buckets[each.key].expire_days > 0 ? [1] : []
      content {
        days = local.buckets[each.key].expire_days
      }
    }
  }
}

data "aws_iam_policy_document" "tls_only" {
  for_each = aws_s3_bucket.this

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "trail" ? [1] : []
    content {
      sid       = "CloudTrailWrites"
      actions   = ["s3:PutObject"]
      resources = ["${each.value.arn}/AWSLogs/*"]
      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = each.key == "trail" ? [1] : []
    content {
      sid       = "CloudTrailChecks"
      actions   = ["s3:GetBucketAcl"]
      resources = [each.value.arn]
      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = each.key == "access-logs" ? [1] : []
    content {
      sid       = "LoadBalancersWrite"
      actions   = ["s3:PutObject"]
      resources = ["${each.value.arn}/*/AWSLogs/${data.aws_caller_identity.current.account_id}/*"]
      principals {
        type        = "Service"
        identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = data.aws_iam_policy_document.tls_only[each.key].json
}
