"""Secret variables for functions, which no cluster hands any: read from Secrets Manager at start.

`RIALTO_SECRET_ENVIRONMENT` names a secret: one JSON object, variable to value, the same that the
cluster turns into variables. So no value stands in a function's configuration, or in a Terraform
state. Without the variable nothing happens.
"""

from __future__ import annotations

import os

import msgspec

from streams.aws import client

NAME = "RIALTO_SECRET_ENVIRONMENT"


def read_secret_environment() -> list[str]:
    """Set the variables of the secret, but for those that are set; returns their names.

    Raises botocore's errors when the secret cannot be read, and msgspec's when it is no object of
    text: a function without its secrets must not start.
    """
    name = os.environ.get(NAME)
    if not name:
        return []
    answer = client("secretsmanager").get_secret_value(SecretId=name)
    variables = msgspec.json.decode(answer["SecretString"], type=dict[str, str])
    for key, value in variables.items():
        os.environ.setdefault(key, value)
    return sorted(variables)
