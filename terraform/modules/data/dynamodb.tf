# The projections' tables. storage/dynamo_tables.py says the same to local servers; a test compares the two.

locals {
  tables = {
    trades      = { sort_key = true, expires = false, indexes = {} }
    orders      = { sort_key = true, expires = false, indexes = { by_customer = "customer" } }
    chain       = { sort_key = true, expires = false, indexes = { by_customer = "customer", by_block = "block", by_address = "address" } }
    candles     = { sort_key = true, expires = true, indexes = {} }
    checkpoints = { sort_key = true, expires = true, indexes = {} }
    leases      = { sort_key = false, expires = false, indexes = {} }
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${var.table_prefix}${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = each.value.sort_key ? "sk" : null
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  dynamic "attribute" {
    for_each = toset(concat(
      each.value.sort_key ? ["sk"] : [],
      flatten([for stem in values(each.value.indexes) : ["${stem}_pk", "${stem}_sk"]]),
    ))
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.key
      hash_key        = "${global_secondary_index.value}_pk"
      range_key       = "${global_secondary_index.value}_sk"
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = each.value.expires ? [1] : []
    content {
      enabled        = true
      attribute_name = "expires_at"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
}
