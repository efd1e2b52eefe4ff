output "certificate_arn" {
  value = aws_acm_certificate_validation.this.certificate_arn
}

output "urls" {
  value = merge({ www = "https://www.${var.domain}" }, { for host in local.hosts : host => "https://${host}.${var.domain}" })
}
