"""The public API process: `python -m api.main`."""

from __future__ import annotations

import uvicorn
from prometheus_client import start_http_server

from api.app import Application
from api.build import build
from api.settings import ApiSettings
from streams.logs import configure_logging

_GRACE_SECONDS = 20
"""For requests under way when we are asked to stop."""
_CONNECTIONS_WAITING_MAX = 2048


def create_app(settings: ApiSettings | None = None) -> Application:
    return Application(settings or ApiSettings(), build)


def main() -> None:
    settings = ApiSettings()
    configure_logging("api", settings.log_level)
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, "127.0.0.1")
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        backlog=_CONNECTIONS_WAITING_MAX,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws_max_size=65_536,
        ws_ping_interval=20,
        ws_ping_timeout=40,
    )


if __name__ == "__main__":
    main()
