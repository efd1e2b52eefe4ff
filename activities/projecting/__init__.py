"""From the event streams into DynamoDB and the search index, at least once, with the same end."""
