"""A Terraform provider that knows schemas only; tests/infra run it in the tools' environment."""
