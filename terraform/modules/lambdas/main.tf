# The wallet service, the event listener and the data processor as functions: the same handlers that run as
# processes elsewhere. `make lambdas` builds the archives; their hash decides whether code is replaced.

locals {
  functions = {
    wallet-service = { handler = "api.wallet_service.main.handler", memory = 512, timeout = 15, concurrency = 20 }
    event-listener = { handler = "workers.event_listener.handler", memory = 1024, timeout = 120, concurrency = 1 }
    data-processor = { handler = "workers.projection_lambda.handler", memory = 1024, timeout = 60, concurrency = 10 }
  }
}

resource "aws_security_group" "lambda" {
  name        = "${var.name}-lambda"
  description = "Functions inside the VPC"
  vpc_id      = var.vpc_id

  egress {
    description = "Stores, nodes and endpoints inside the VPC"
    from_port   = 0
    to_port     = 65535
    protocol    = "tcp"
    cidr_blocks = [var.vpc_cidr]
  }

  tags = { Name = "${var.name}-lambda" }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = 90
  kms_key_id        = var.logs_key_arn
}

resource "aws_iam_role_policy_attachment" "vpc" {
  for_each = local.functions

  role       = var.role_names[each.key]
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_iam_role_policy_attachment" "tracing" {
  for_each = local.functions

  role       = var.role_names[each.key]
  policy_arn = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name                  = "${var.name}-${each.key}"
  role                           = var.role_arns[each.key]
  handler                        = each.value.handler
  runtime                        = var.runtime
  architectures                  = ["x86_64"] # fastecdsa, which bitcoinlib needs, has no wheel for arm64.
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.concurrency
  s3_bucket                      = var.code_bucket
  s3_key                         = "${var.release}/${each.key}.zip"
  kms_key_arn                    = var.key_arn

  environment {
    variables = merge(var.environment, {
      RIALTO_SECRET_ENVIRONMENT = "${var.secret_prefix}/${each.key}/environment"
    })
  }

  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [aws_security_group.lambda.id]
  }

  tracing_config {
    mode = "Active"
  }

  dead_letter_config {
    target_arn = var.dead_letter_arn
  }

  depends_on = [aws_cloudwatch_log_group.function]
}

# One record that cannot be read must not block its shard: the batch is split, tried again, and the record goes
# to the dead letters with its place in the stream.
resource "aws_lambda_event_source_mapping" "data_processor" {
  for_each = var.stream_arns

  event_source_arn                   = each.value
  function_name                      = aws_lambda_function.this["data-processor"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 500
  maximum_batching_window_in_seconds = 1
  bisect_batch_on_function_error     = true
  maximum_retry_attempts             = 10
  function_response_types            = ["ReportBatchItemFailures"]
  parallelization_factor             = 1 # Order per shard matters to candles.

  destination_config {
    on_failure {
      destination_arn = var.dead_letter_arn
    }
  }
}

# The listener as a function walks the chains once a minute; as a process it follows them continuously.
resource "aws_cloudwatch_event_rule" "listener" {
  name                = "${var.name}-event-listener"
  description         = "Walk both chains"
  schedule_expression = "rate(1 minute)"
  state               = var.listener_runs_here ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "listener" {
  rule = aws_cloudwatch_event_rule.listener.name
  arn  = aws_lambda_function.this["event-listener"].arn
}

resource "aws_lambda_permission" "listener" {
  statement_id  = "AllowSchedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this["event-listener"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.listener.arn
}
