# Logs, metrics, alarms. Each alarm names its runbook; what pages somebody is what a customer would notice.

locals {
  # As in streams/objectives.py; a test compares them.
  objectives = {
    orders      = { budget = 0.001, runbook = "order-burn-rate" }
    matching    = { budget = 0.001, runbook = "engine-silent" }
    settlement  = { budget = 0.001, runbook = "settlement-lag" }
    deposits    = { budget = 0.005, runbook = "listener-lag" }
    withdrawals = { budget = 0.005, runbook = "withdrawal-age" }
  }
  place = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  told = {
    key-loss = {
      text = "A key of ours is to be deleted, was disabled, or its policy changed"
      pattern = {
        source      = ["aws.kms"]
        detail-type = ["AWS API Call via CloudTrail"]
        detail      = { eventSource = ["kms.amazonaws.com"], eventName = ["ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy"] }
      }
    }
    intruder = {
      text = "GuardDuty found something grave"
      pattern = {
        source      = ["aws.guardduty"]
        detail-type = ["GuardDuty Finding"]
        detail      = { severity = [{ numeric = [">=", 7] }] }
      }
    }
  }
  burns = {
    fast = { period = 3600, times = 14.4 }
    slow = { period = 21600, times = 6 }
  }
  alarms = {
    ledger-untied = {
      metric = "ledger_untied_assets", statistic = "Maximum", threshold = 0, periods = 1, missing = "breaching", page = true,
      text   = "An asset's ledger, engine and chain do not agree; its withdrawals are halted"
    }
    settlement-lag = {
      metric = "settlement_lag_seconds", statistic = "Maximum", threshold = 30, periods = 3, missing = "breaching", page = true,
      text   = "Trades wait for settlement"
    }
    engine-silent = {
      metric = "engine_writing", statistic = "Maximum", threshold = 1, periods = 2, missing = "breaching", page = true,
      text   = "No matching engine holds the lease"
    }
    listener-lag = {
      metric = "listener_lag_blocks", statistic = "Maximum", threshold = 3, periods = 5, missing = "breaching", page = true,
      text   = "The event listener is behind a chain; deposits are late"
    }
    withdrawal-age = {
      metric = "withdrawal_oldest_seconds", statistic = "Maximum", threshold = 7200, periods = 3, missing = "notBreaching", page = true,
      text   = "A withdrawal has not finished for two hours"
    }
    hot-wallet-low = {
      metric = "hot_wallet_below_low", statistic = "Maximum", threshold = 0, periods = 2, missing = "notBreaching", page = false,
      text   = "A hot wallet is below its low mark; refill it"
    }
    hot-wallet-burn = {
      metric = "hot_wallet_burn_percent", statistic = "Maximum", threshold = 25, periods = 1, missing = "notBreaching", page = true,
      text   = "A quarter of a hot wallet left within an hour: demand, or a drain"
    }
    reserves-short = {
      metric = "reserves_age_seconds", statistic = "Maximum", threshold = 129600, periods = 5, missing = "notBreaching", page = false,
      text   = "No proof of reserves was published for a day and a half"
    }
    temporal-queue-lag = {
      metric = "temporal_queue_lag_seconds", statistic = "Maximum", threshold = 10, periods = 5, missing = "notBreaching", page = false,
      text   = "Workers cannot keep up, or a task queue has no worker"
    }
    projection-lag = {
      metric = "projection_lag_seconds", statistic = "Maximum", threshold = 60, periods = 5, missing = "breaching", page = false,
      text   = "Search and candles are late; money is not concerned"
    }
    signatures-differ = {
      metric = "signatures_without_attempt", statistic = "Maximum", threshold = 0, periods = 1, missing = "notBreaching", page = true,
      text   = "KMS signed more often than the ledger knows: stop the signer and look"
    }
  }
}

# Who may say something there: alarms and events of this account, and its administrators.
data "aws_iam_policy_document" "alarm" {
  for_each = toset(["page", "ticket"])

  statement {
    sid       = "PublishAlarms"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:${local.place}:${var.name}-${each.key}"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:cloudwatch:${local.place}:alarm:*", "arn:aws:events:${local.place}:rule/*"]
    }
  }

  statement {
    sid       = "AdministerByAccount"
    actions   = ["sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe"]
    resources = ["arn:aws:sns:${local.place}:${var.name}-${each.key}"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_sns_topic" "alarm" {
  for_each = toset(["page", "ticket"])

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.key_arn
  policy            = data.aws_iam_policy_document.alarm[each.key].json
}

resource "aws_sns_topic_subscription" "alarm" {
  for_each = var.subscriptions

  topic_arn = aws_sns_topic.alarm[each.value.topic].arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}

resource "aws_cloudwatch_log_group" "process" {
  for_each = toset(var.processes)

  name              = "/rialto/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  for_each = aws_cloudwatch_log_group.process

  name           = "errors"
  log_group_name = each.value.name
  pattern        = "{ $.level = \"ERROR\" }"

  metric_transformation {
    name          = "Errors"
    namespace     = var.namespace
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "rialto" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.text}. Runbook: ${var.runbook_url}/${each.key}.md"
  namespace           = var.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  comparison_operator = each.key == "engine-silent" ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarm[each.value.page ? "page" : "ticket"].arn]
  ok_actions          = [aws_sns_topic.alarm[each.value.page ? "page" : "ticket"].arn]
}

# What AWS itself measures.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = var.dead_letter_queue_names

  alarm_name          = "${var.name}-dead-letters-${each.key}"
  alarm_description   = "Messages in ${each.value}. Runbook: ${var.runbook_url}/dead-letters.md"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarm["page"].arn]
}

resource "aws_cloudwatch_metric_alarm" "postgres_storage" {
  alarm_name          = "${var.name}-postgres-storage"
  alarm_description   = "Less than 20 GiB free. Runbook: ${var.runbook_url}/postgres.md"
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = var.postgres_identifier }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 21474836480
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarm["page"].arn]
}

# Objectives (streams/objectives.py): paged when an hour burns a fiftieth of thirty days' budget, or six a twentieth.
resource "aws_cloudwatch_metric_alarm" "burn_rate" {
  for_each = {
    for pair in setproduct(keys(local.objectives), keys(local.burns)) :
    "${pair[0]}-${pair[1]}" => merge(local.objectives[pair[0]], local.burns[pair[1]], { slo = pair[0] })
  }

  alarm_name          = "${var.name}-burn-${each.key}"
  alarm_description   = "Objective ${each.value.slo} fails ${each.value.times} times faster than its budget allows. Runbook: ${var.runbook_url}/${each.value.runbook}.md"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.times * each.value.budget
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarm["page"].arn]

  metric_query {
    id          = "ratio"
    expression  = "IF(bad + good > 100, bad / (bad + good), 0)"
    label       = "Share of bad events"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = toset(["good", "bad"])
    content {
      id = metric_query.key
      metric {
        namespace   = var.namespace
        metric_name = "slo_events_total"
        dimensions  = { slo = each.value.slo, outcome = metric_query.key }
        period      = each.value.period
        stat        = "Sum"
      }
    }
  }
}

# What CloudTrail and GuardDuty see: told as it happens, not measured.
resource "aws_cloudwatch_event_rule" "told" {
  for_each = local.told

  name          = "${var.name}-${each.key}"
  description   = "${each.value.text}. Runbook: ${var.runbook_url}/${each.key}.md"
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "told" {
  for_each = local.told

  rule      = aws_cloudwatch_event_rule.told[each.key].name
  target_id = "page"
  arn       = aws_sns_topic.alarm["page"].arn
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, row in [
        ["Answers of the API", ["api_requests_total"], "Sum"],
        ["API latency, sum of seconds and count", ["api_request_seconds_sum", "api_request_seconds_count"], "Sum"],
        ["Order stages, sum of seconds and count", ["order_stage_seconds_sum", "order_stage_seconds_count"], "Sum"],
        ["Oldest command not queued, s", ["order_outbox_oldest_seconds"], "Maximum"],
        ["Wait in the queue, sum of seconds and count", ["engine_queue_wait_seconds_sum", "engine_queue_wait_seconds_count"], "Sum"],
        ["Engine, sum of seconds and count", ["engine_take_seconds_sum", "engine_take_seconds_count"], "Sum"],
        ["Journal sync, sum of seconds and count", ["journal_sync_seconds_sum", "journal_sync_seconds_count"], "Sum"],
        ["Engines that write", ["engine_writing"], "Maximum"],
        ["Settlement lag, s", ["settlement_lag_seconds"], "Maximum"],
        ["Listener height and lag, blocks", ["listener_height", "listener_lag_blocks"], "Maximum"],
        ["Hot wallets, left within an hour, %", ["hot_wallet_burn_percent"], "Maximum"],
        ["Hot wallets below their low mark", ["hot_wallet_below_low"], "Maximum"],
        ["Withdrawals, oldest, s", ["withdrawal_oldest_seconds", "withdrawal_oldest_review_seconds"], "Maximum"],
        ["Ledger ties", ["ledger_untied_assets"], "Maximum"],
        ["Age of the tie, s", ["ledger_tie_age_seconds"], "Maximum"],
        ["Age of the proof of reserves, s", ["reserves_age_seconds"], "Maximum"],
        ["Temporal backlog, s", ["temporal_queue_lag_seconds"], "Maximum"],
        ["Projections, s", ["projection_lag_seconds"], "Maximum"],
        ] : {
        type   = "metric"
        x      = (index % 2) * 12
        y      = floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = row[0]
          region  = data.aws_region.current.region
          metrics = [for metric in row[1] : [var.namespace, metric]]
          stat    = row[2]
          period  = 60
        }
      }
    ]
  })
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}
