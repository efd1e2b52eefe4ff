"""The staff portal: login, roles and true identities in front of the Temporal UI."""
