# What the world sees: Cloudflare in front (names, CDN, WAF); behind it API Gateway for api., wallet-service. and
# search., and the cluster's public load balancer for www. and stream. Both ask for Cloudflare's client certificate.

locals {
  hosts = toset(["api", "wallet-service", "search"])
  # Load balancers are made by the cluster's ingresses, so the first apply has none to lead to yet.
  balanced_hosts = var.has_balancer ? setsubtract(local.hosts, ["wallet-service"]) : toset([])
}

resource "aws_acm_certificate" "this" {
  domain_name               = var.domain
  subject_alternative_names = ["*.${var.domain}"]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

# The domain and its wildcard share one validation record.
locals {
  validation = one([for option in aws_acm_certificate.this.domain_validation_options : option if option.domain_name == var.domain])
}

resource "cloudflare_dns_record" "certificate" {
  zone_id = var.zone_id
  name    = local.validation.resource_record_name
  type    = local.validation.resource_record_type
  content = local.validation.resource_record_value
  ttl     = 300
  proxied = false
  comment = "Proves the domain to ACM"
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [cloudflare_dns_record.certificate.name]
}

resource "aws_security_group" "link" {
  name        = "${var.name}-gateway-link"
  description = "API Gateway into the VPC"
  vpc_id      = var.vpc_id

  egress {
    description = "To the internal load balancer"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [var.vpc_cidr]
  }

  tags = { Name = "${var.name}-gateway-link" }
}

resource "aws_apigatewayv2_vpc_link" "this" {
  name               = var.name
  subnet_ids         = var.private_subnet_ids
  security_group_ids = [aws_security_group.link.id]
}

resource "aws_apigatewayv2_api" "this" {
  for_each = local.hosts

  name                         = "${var.name}-${each.key}"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true
}

resource "aws_apigatewayv2_integration" "balancer" {
  for_each = local.balanced_hosts

  api_id             = aws_apigatewayv2_api.this[each.key].id
  integration_type   = "HTTP_PROXY"
  integration_method = "ANY"
  integration_uri    = var.balancer_listener_arn
  connection_type    = "VPC_LINK"
  connection_id      = aws_apigatewayv2_vpc_link.this.id

  tls_config {
    server_name_to_verify = "${each.key}.${var.domain}"
  }
}

resource "aws_apigatewayv2_integration" "wallet_service" {
  api_id                 = aws_apigatewayv2_api.this["wallet-service"].id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.wallet_service_invoke_arn
  payload_format_version = "2.0"
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "AllowGateway"
  action        = "lambda:InvokeFunction"
  function_name = var.wallet_service_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this["wallet-service"].execution_arn}/*"
}

resource "aws_apigatewayv2_route" "default" {
  for_each = setunion(local.balanced_hosts, ["wallet-service"])

  api_id    = aws_apigatewayv2_api.this[each.key].id
  route_key = "$default"
  target    = "integrations/${each.key == "wallet-service" ? aws_apigatewayv2_integration.wallet_service.id : aws_apigatewayv2_integration.balancer[each.key].id}"
}

resource "aws_cloudwatch_log_group" "gateway" {
  for_each = local.hosts

  name              = "/rialto/${var.name}/gateway/${each.key}"
  retention_in_days = 90
  kms_key_id        = var.logs_key_arn
}

resource "aws_apigatewayv2_stage" "default" {
  for_each = local.hosts

  api_id      = aws_apigatewayv2_api.this[each.key].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.gateway_requests_per_second
    throttling_burst_limit   = var.gateway_requests_per_second * 2
    detailed_metrics_enabled = true
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.gateway[each.key].arn
    format = jsonencode({
      request_id = "$context.requestId"
      time       = "$context.requestTime"
      route      = "$context.routeKey"
      status     = "$context.status"
      latency_ms = "$context.responseLatency"
      error      = "$context.error.message"
    })
  }
}

resource "aws_apigatewayv2_domain_name" "this" {
  for_each = local.hosts

  domain_name = "${each.key}.${var.domain}"

  domain_name_configuration {
    certificate_arn = aws_acm_certificate_validation.this.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }

  # Cloudflare shows its client certificate; calls that go round it cannot.
  mutual_tls_authentication {
    truststore_uri = var.origin_pull_truststore_uri
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  for_each = local.hosts

  api_id      = aws_apigatewayv2_api.this[each.key].id
  domain_name = aws_apigatewayv2_domain_name.this[each.key].id
  stage       = aws_apigatewayv2_stage.default[each.key].id
}

# For the public load balancer: the ingress `front` names it.
resource "aws_lb_trust_store" "origin_pull" {
  name                             = "${var.name}-origin-pull"
  ca_certificates_bundle_s3_bucket = split("/", trimprefix(var.origin_pull_truststore_uri, "s3://"))[0]
  ca_certificates_bundle_s3_key    = join("/", slice(split("/", trimprefix(var.origin_pull_truststore_uri, "s3://")), 1, length(split("/", var.origin_pull_truststore_uri)) - 2))
}
