resource "cloudflare_dns_record" "gateway" {
  for_each = local.hosts

  zone_id = var.zone_id
  name    = "${each.key}.${var.domain}"
  type    = "CNAME"
  content = aws_apigatewayv2_domain_name.this[each.key].domain_name_configuration[0].target_domain_name
  ttl     = 1 # Automatic: proxied.
  proxied = true
  comment = "API Gateway"
}

# API Gateway's HTTP APIs carry no WebSockets: these two go to a public load balancer, which takes only connections
# that show Cloudflare's client certificate.
resource "cloudflare_dns_record" "front" {
  for_each = var.front_origins

  zone_id = var.zone_id
  name    = "${each.key}.${var.domain}"
  type    = "CNAME"
  content = each.value
  ttl     = 1
  proxied = true
  comment = "Public load balancer"
}

# The staff portal is not here: it is reached over the VPN only.

resource "cloudflare_zone_setting" "this" {
  for_each = {
    ssl                      = "strict"
    min_tls_version          = "1.2"
    always_use_https         = "on"
    tls_1_3                  = "on"
    websockets               = "on"
    tls_client_auth          = "on" # Origin pulls show the certificate that gateway and balancer ask for.
    automatic_https_rewrites = "on"
  }

  zone_id    = var.zone_id
  setting_id = each.key
  value      = each.value
}

# Files with a hash in their name never change; everything else passes.
resource "cloudflare_ruleset" "cache" {
  zone_id = var.zone_id
  name    = "rialto cache"
  kind    = "zone"
  phase   = "http_request_cache_settings"

  rules = [
    {
      description = "Web assets with a hash in their name"
      expression  = "(http.host eq \"www.${var.domain}\" and starts_with(http.request.uri.path, \"/_app/immutable/\"))"
      action      = "set_cache_settings"
      action_parameters = {
        cache    = true
        edge_ttl = { mode = "override_origin", default = 31536000 }
      }
    },
    {
      description = "Never cache what is private or changes something"
      expression  = "(not starts_with(http.request.uri.path, \"/_app/immutable/\") and (http.request.method ne \"GET\" or any(http.request.headers.names[*] in {\"authorization\" \"x-api-key\" \"x-mbx-apikey\" \"cookie\"})))"
      action      = "set_cache_settings"
      action_parameters = {
        cache = false
      }
    },
  ]
}

# Cloudflare's managed rules, then ours.
resource "cloudflare_ruleset" "managed_waf" {
  zone_id = var.zone_id
  name    = "rialto managed rules"
  kind    = "zone"
  phase   = "http_request_firewall_managed"

  rules = [
    {
      description       = "Cloudflare Managed Ruleset"
      expression        = "true"
      action            = "execute"
      action_parameters = { id = "efb7b8c949ac4650a09736fc376e9aee" } # Public id of the ruleset.
    },
    {
      description       = "OWASP Core Ruleset"
      expression        = "(http.host eq \"www.${var.domain}\")" # JSON bodies of bots trip it.
      action            = "execute"
      action_parameters = { id = "4814384a9e5d4991b9815dcfc25d2f1f" }
    },
  ]
}

resource "cloudflare_ruleset" "custom_waf" {
  zone_id = var.zone_id
  name    = "rialto custom rules"
  kind    = "zone"
  phase   = "http_request_firewall_custom"

  rules = [
    {
      description = "Countries that we may not serve"
      expression  = "(ip.src.country in {${join(" ", [for country in var.blocked_countries : "\"${country}\""])}})"
      action      = "block"
    },
    {
      description = "Metrics, health details and API docs of internals stay inside"
      expression  = "(starts_with(http.request.uri.path, \"/metrics\") or starts_with(http.request.uri.path, \"/internal\"))"
      action      = "block"
    },
    {
      description = "Bodies larger than the API takes"
      expression  = "(http.request.body.size gt 12000000)"
      action      = "block"
    },
  ]
}

# On every host: the API answers under api., search., and www., where browsers have it beside the pages.
resource "cloudflare_ruleset" "rate_limit" {
  zone_id = var.zone_id
  name    = "rialto rate limits"
  kind    = "zone"
  phase   = "http_ratelimit"

  rules = [
    {
      description = "Guessing of passwords and codes"
      expression  = "(starts_with(http.request.uri.path, \"/v1/sessions\") and http.request.method eq \"POST\")"
      action      = "block"
      ratelimit = {
        characteristics     = ["ip.src", "cf.colo.id"]
        period              = 60
        requests_per_period = 20
        mitigation_timeout  = 600
      }
    },
    {
      description = "Everything else, far above any fair client; the API has its own finer limits"
      expression  = "(starts_with(http.request.uri.path, \"/\"))"
      action      = "block"
      ratelimit = {
        characteristics     = ["ip.src", "cf.colo.id"]
        period              = 10
        requests_per_period = 2000
        mitigation_timeout  = 10
      }
    },
  ]
}
