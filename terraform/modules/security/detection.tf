# The basics that notice trouble: who called what (CloudTrail, incl. each kms:Sign), odd behaviour (GuardDuty),
# and outside access to what should be private (Access Analyzer).

resource "aws_guardduty_detector" "this" {
  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_accessanalyzer_analyzer" "this" {
  analyzer_name = var.name
  type          = "ACCOUNT"
}

resource "aws_cloudtrail" "this" {
  name                          = var.name
  s3_bucket_name                = var.trail_bucket
  include_global_service_events = true
  is_multi_region_trail         = true
  enable_log_file_validation    = true
  kms_key_id                    = aws_kms_key.data["logs"].arn
}
