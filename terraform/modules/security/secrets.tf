# One secret per process: a JSON object, variable to value, which External Secrets turns into the variables of its
# pods and functions read themselves. Values are put by operators or rotated by AWS, never by Terraform: a value in
# the configuration would stand in the state. `migrate` has the owner's login and runs only before a release.

resource "aws_secretsmanager_secret" "environment" {
  for_each = setunion(local.processes, ["migrate"])

  name                    = "${var.alias_prefix}/${each.key}/environment"
  description             = "Secret variables of ${each.key}"
  kms_key_id              = aws_kms_key.data["data"].arn
  recovery_window_in_days = 30
}
