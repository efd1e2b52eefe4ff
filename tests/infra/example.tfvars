domain                     = "example.com"
zone_id                    = "0123456789abcdef0123456789abcdef"
image                      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/rialto@sha256:0000000000000000000000000000000000000000000000000000000000000000"
release                    = "0.1.0"
code_bucket                = "example-code"
balancer_listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/example/0123456789abcdef/0123456789abcdef"
front_origin               = "front.example.net"
origin_pull_truststore_uri = "s3://example-code/origin-pull.pem"
cdn_cidrs                  = ["192.0.2.0/24"]
temporal_address           = "example.tmprl.cloud:7233"
alarm_email                = "on-call@example.com"
node_secret_arns = {
  bitcoin  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:bitcoin-abcdef"
  ethereum = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ethereum-abcdef"
}
node_software = {
  bitcoin  = { version = "0.0.0", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }
  ethereum = { version = "0.0.0", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }
}
temporal_ui_url            = "http://temporal-web.temporal.svc:8080"
kyc_vendor_url             = "https://kyc-vendor.example.com"
travel_rule_url            = "https://travel-rule.example.com"
