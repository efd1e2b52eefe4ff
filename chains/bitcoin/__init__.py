"""Bitcoin: addresses, transactions, fees, and the clients of node and signer."""
