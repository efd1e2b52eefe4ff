# The original layout: the API in an Auto Scaling Group behind load balancers.

data "aws_ssm_parameter" "machine_image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
}

data "aws_region" "current" {}

# Two balancers: HTTP comes by API Gateway, which has no client certificate and reaches only an internal one; the
# WebSockets, which the gateway cannot carry, come from the CDN to a public one, which asks for its certificate.
locals {
  balancers = {
    internal = { subnet_ids = var.private_subnet_ids, description = "HTTPS from API Gateway only" }
    public   = { subnet_ids = var.public_subnet_ids, description = "HTTPS from the CDN only" }
  }
}

resource "aws_security_group" "balancer" {
  for_each = local.balancers

  name        = "${var.name}-api-${each.key}"
  description = each.value.description
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-api-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "from_gateway" {
  security_group_id            = aws_security_group.balancer["internal"].id
  description                  = "HTTPS from API Gateway"
  from_port                    = 443
  to_port                      = 443
  ip_protocol                  = "tcp"
  referenced_security_group_id = var.gateway_security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "from_cdn" {
  for_each = toset(var.cdn_cidrs)

  security_group_id = aws_security_group.balancer["public"].id
  description       = "HTTPS from the CDN"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  cidr_ipv4         = each.key
}

resource "aws_vpc_security_group_egress_rule" "to_api" {
  for_each = aws_security_group.balancer

  security_group_id            = each.value.id
  description                  = "To the API"
  from_port                    = var.api_port
  to_port                      = var.api_port
  ip_protocol                  = "tcp"
  referenced_security_group_id = var.security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "api_from_balancer" {
  for_each = aws_security_group.balancer

  security_group_id            = var.security_group_id
  description                  = "From the ${each.key} load balancer"
  from_port                    = var.api_port
  to_port                      = var.api_port
  ip_protocol                  = "tcp"
  referenced_security_group_id = each.value.id
}

resource "aws_vpc_security_group_egress_rule" "api_https" {
  security_group_id = var.security_group_id
  description       = "AWS endpoints, image registry"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "api_stores" {
  for_each = { postgres = 5432, valkey = 6379, temporal = 7233 }

  security_group_id = var.security_group_id
  description       = "To ${each.key} inside the VPC"
  from_port         = each.value
  to_port           = each.value
  ip_protocol       = "tcp"
  cidr_ipv4         = var.vpc_cidr
}

resource "aws_lb" "this" {
  for_each = local.balancers

  name                       = "${var.name}-api-${each.key}"
  load_balancer_type         = "application"
  internal                   = each.key == "internal"
  subnets                    = each.value.subnet_ids
  security_groups            = [aws_security_group.balancer[each.key].id]
  drop_invalid_header_fields = true
  enable_deletion_protection = true
  idle_timeout               = 120 # WebSockets ping every 30 s.

  access_logs {
    bucket  = var.access_log_bucket
    prefix  = "api-${each.key}"
    enabled = true
  }
}

resource "aws_lb_target_group" "this" {
  for_each = local.balancers

  name                 = "${var.name}-api-${each.key}"
  port                 = var.api_port
  protocol             = "HTTP"
  vpc_id               = var.vpc_id
  deregistration_delay = 60

  health_check {
    path                = "/readyz"
    healthy_threshold   = 2
    unhealthy_threshold = 3
    interval            = 10
    timeout             = 3
    matcher             = "200"
  }
}

resource "aws_lb_listener" "internal" {
  load_balancer_arn = aws_lb.this["internal"].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["internal"].arn
  }
}

resource "aws_lb_listener" "public" {
  load_balancer_arn = aws_lb.this["public"].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  mutual_authentication {
    mode            = "verify"
    trust_store_arn = var.trust_store_arn
  }

  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

# Nothing but the WebSockets: the rest of the API is behind the gateway.
resource "aws_lb_listener_rule" "websockets" {
  listener_arn = aws_lb_listener.public.arn

  condition {
    path_pattern {
      values = ["/v1/ws", "/ws", "/ws/*", "/stream", "/stream/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["public"].arn
  }
}

resource "aws_lb_listener_rule" "websocket_api" {
  listener_arn = aws_lb_listener.public.arn

  condition {
    path_pattern {
      values = ["/ws-api/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["public"].arn
  }
}

resource "aws_iam_instance_profile" "api" {
  name = "${var.name}-api"
  role = var.api_role_name
}

resource "aws_launch_template" "api" {
  name_prefix            = "${var.name}-api-"
  image_id               = data.aws_ssm_parameter.machine_image.value
  instance_type          = var.instance_type
  update_default_version = true
  vpc_security_group_ids = [var.security_group_id]

  user_data = base64encode(templatefile("${path.module}/user_data.sh.tftpl", {
    image = var.image
    environment = merge(var.environment, {
      RIALTO_API_PORT    = var.api_port
      RIALTO_HEALTH_PORT = var.api_port
      RIALTO_LISTEN_HOST = "0.0.0.0"
    })
    secret_name = var.secret_name
    port        = var.api_port
    region      = data.aws_region.current.region
    log_group   = var.log_group
  }))

  iam_instance_profile {
    name = aws_iam_instance_profile.api.name
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type = "gp3"
      volume_size = 30
      encrypted   = true
      kms_key_id  = var.key_arn
    }
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 2 # One more than the host: the API runs in a container.
  }
}

resource "aws_autoscaling_group" "api" {
  name                      = "${var.name}-api"
  min_size                  = var.instances_min
  max_size                  = var.instances_max
  vpc_zone_identifier       = var.private_subnet_ids
  target_group_arns         = [for group in aws_lb_target_group.this : group.arn]
  health_check_type         = "ELB"
  health_check_grace_period = 90

  launch_template {
    id      = aws_launch_template.api.id
    version = aws_launch_template.api.latest_version
  }

  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = 90
    }
  }

  tag {
    key                 = "Name"
    value               = "${var.name}-api"
    propagate_at_launch = true
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu-60"
  autoscaling_group_name = aws_autoscaling_group.api.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 60

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
