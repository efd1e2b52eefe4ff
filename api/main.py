"""The public API process: `python -m api.main`."""

from __future__ import annotations

import logging

import uvicorn
from prometheus_client import start_http_server

from api.app import Application
from api.build import build
from api.settings import ApiSettings
from api.socket.protocol import FrameProtocol
from streams import collector, tracing
from streams.listening import listen_host
from streams.logs import configure_logging

_GRACE_SECONDS = 20
"""For requests under way when we are asked to stop."""
_CONNECTIONS_WAITING_MAX = 2048


def create_app(settings: ApiSettings | None = None) -> Application:
    return Application(settings or ApiSettings(), build)


def server_config(app: Application, settings: ApiSettings, *, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=listen_host(),
        port=port,
        loop="uvloop",
        http="httptools",
        ws=FrameProtocol,
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
        ws_per_message_deflate=False,
    )


def main() -> None:
    settings = ApiSettings()
    configure_logging("api", settings.log_level)
    tracing.configure("api")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # It tells of every WebSocket.
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, listen_host())
    server = uvicorn.Server(server_config(create_app(settings), settings, port=settings.api_port))
    collector.calm()
    server.run()


if __name__ == "__main__":
    main()
