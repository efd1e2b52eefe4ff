"""WebSockets: what both dialects of the API share."""
