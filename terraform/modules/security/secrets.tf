# Containers for secrets. Values are put by operators or rotated by AWS, never by Terraform: a value in the
# configuration would stand in the state.

locals {
  secrets = {
    "staff/session-key"          = "Signs the staff portal's cookies and actions"
    "compliance-worker/vendor"   = "Credentials of the KYC vendor"
    "api/kyc-webhook-key"        = "Verifies the KYC vendor's webhooks"
    "bitcoin-worker/node-rpc"    = "RPC user and password of the Bitcoin nodes"
    "event-listener/node-rpc"    = "RPC user and password of the Bitcoin nodes, read only"
    "workflow-worker/temporal"   = "Temporal client certificate"
    "signer-worker/database-url" = "Database login of the signer's own role"
  }
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.data["data"].arn
  recovery_window_in_days = 30
}
