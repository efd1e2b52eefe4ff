"""Know your customer, as customers and the vendor see it."""
