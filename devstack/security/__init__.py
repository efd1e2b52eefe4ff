"""The security drill that needs no service: secrets, dependencies, bill of materials."""
