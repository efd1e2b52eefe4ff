# Logs, metrics, alarms. Each alarm names its runbook; what pages somebody is what a customer would notice.

locals {
  alarms = {
    ledger-untied = {
      metric = "LedgerUntiedAssets", statistic = "Maximum", threshold = 0, periods = 1, missing = "breaching", page = true,
      text   = "An asset's ledger, engine and chain do not agree; its withdrawals are halted"
    }
    settlement-lag = {
      metric = "SettlementLagSeconds", statistic = "Maximum", threshold = 30, periods = 3, missing = "breaching", page = true,
      text   = "Trades wait for settlement"
    }
    engine-silent = {
      metric = "EngineHeartbeatAgeSeconds", statistic = "Maximum", threshold = 15, periods = 2, missing = "breaching", page = true,
      text   = "No matching engine holds the lease"
    }
    listener-lag = {
      metric = "ListenerLagBlocks", statistic = "Maximum", threshold = 3, periods = 5, missing = "breaching", page = true,
      text   = "The event listener is behind a chain; deposits are late"
    }
    withdrawal-age = {
      metric = "OldestWithdrawalSeconds", statistic = "Maximum", threshold = 7200, periods = 3, missing = "notBreaching", page = true,
      text   = "A withdrawal has not finished for two hours"
    }
    hot-wallet-low = {
      metric = "HotWalletBelowLow", statistic = "Maximum", threshold = 0, periods = 2, missing = "notBreaching", page = false,
      text   = "A hot wallet is below its low mark; refill it"
    }
    hot-wallet-burn = {
      metric = "HotWalletBurnPercent", statistic = "Maximum", threshold = 25, periods = 1, missing = "notBreaching", page = true,
      text   = "A quarter of a hot wallet left within an hour: demand, or a drain"
    }
    temporal-queue-lag = {
      metric = "TemporalScheduleToStartSeconds", statistic = "p99", threshold = 10, periods = 5, missing = "notBreaching", page = false,
      text   = "Workers cannot keep up, or a task queue has no worker"
    }
    projection-lag = {
      metric = "ProjectionLagSeconds", statistic = "Maximum", threshold = 60, periods = 5, missing = "breaching", page = false,
      text   = "Search and candles are late; money is not concerned"
    }
    signatures-differ = {
      metric = "SignaturesWithoutAttempt", statistic = "Maximum", threshold = 0, periods = 1, missing = "notBreaching", page = true,
      text   = "KMS signed more often than the ledger knows: stop the signer and look"
    }
  }
}

resource "aws_sns_topic" "alarm" {
  for_each = toset(["page", "ticket"])

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.key_arn
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
  statistic           = each.value.statistic == "p99" ? null : each.value.statistic
  extended_statistic  = each.value.statistic == "p99" ? "p99" : null
  comparison_operator = "GreaterThanThreshold"
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

# 99.9 % of orders acknowledged in 30 days: paged when an hour burns two days of that budget.
resource "aws_cloudwatch_metric_alarm" "order_burn_rate" {
  alarm_name          = "${var.name}-order-burn-rate"
  alarm_description   = "Orders fail 14 times faster than the objective allows. Runbook: ${var.runbook_url}/order-burn-rate.md"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0.0144
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarm["page"].arn]

  metric_query {
    id          = "ratio"
    expression  = "IF(all > 100, failed / all, 0)"
    label       = "Share of orders that failed"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failed = "OrdersFailed", all = "OrdersReceived" }
    content {
      id = metric_query.key
      metric {
        namespace   = var.namespace
        metric_name = metric_query.value
        period      = 3600
        stat        = "Sum"
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, row in [
        ["Orders", ["OrdersReceived", "OrdersFailed"], "Sum"],
        ["Order acknowledgement, ms", ["OrderAckMilliseconds"], "p99"],
        ["Engine", ["EngineLagMilliseconds", "JournalSyncMilliseconds"], "p99"],
        ["Settlement lag, s", ["SettlementLagSeconds"], "Maximum"],
        ["Listener lag, blocks", ["ListenerLagBlocks"], "Maximum"],
        ["Withdrawals", ["OldestWithdrawalSeconds"], "Maximum"],
        ["Ledger ties", ["LedgerUntiedAssets"], "Maximum"],
        ["Temporal queues, s", ["TemporalScheduleToStartSeconds"], "p99"],
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
