"""A Binance-Spot-compatible REST and WebSocket dialect beside native v1.

Both call the same functions of `api.exchange`. Not affiliated with or endorsed by Binance.
"""
