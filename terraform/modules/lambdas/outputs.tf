output "function_arns" {
  value = { for name, function in aws_lambda_function.this : name => function.arn }
}

output "wallet_service_invoke_arn" {
  value = aws_lambda_function.this["wallet-service"].invoke_arn
}

output "wallet_service_name" {
  value = aws_lambda_function.this["wallet-service"].function_name
}
