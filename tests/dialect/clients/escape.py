"""Tries to leave this machine by each road; tells which were open."""

import json
import socket
import urllib.request

escaped = []
for name, road in {
    "address": lambda: socket.create_connection(("192.0.2.1", 443), timeout=1),
    "name": lambda: socket.create_connection(("api.example.com", 443), timeout=1),
    "http": lambda: urllib.request.urlopen("https://api.example.com/", timeout=1),
}.items():
    try:
        road()
    except PermissionError:
        continue
    except Exception as fault:
        if "blocked in tests" in repr(fault):
            continue
    escaped.append(name)
print(json.dumps({"escaped": escaped}))
