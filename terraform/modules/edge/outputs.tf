output "certificate_arn" {
  value = aws_acm_certificate_validation.this.certificate_arn
}

output "urls" {
  value = merge({ www = "https://www.${var.domain}", stream = "wss://stream.${var.domain}" }, { for host in local.hosts : host => "https://${host}.${var.domain}" })
}

output "origin_pull_trust_store" {
  value = aws_lb_trust_store.origin_pull.name
}

output "trust_store_arn" {
  value = aws_lb_trust_store.origin_pull.arn
}

output "link_security_group_id" {
  value = aws_security_group.link.id
}
