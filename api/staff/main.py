"""The staff portal process: `python -m api.staff.main`."""

from __future__ import annotations

import uvloop
from aiohttp import web
from prometheus_client import start_http_server
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.exchange.passwords import Passwords
from api.search.build import StaffAudit, build_search
from api.staff.figures import Figures
from api.staff.login import StaffLogin
from api.staff.portal import Portal, PortalParts
from api.staff.searching import StaffSearch, staff_viewer_of
from api.staff.settings import StaffSettings
from api.staff.signing import StaffSigner
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.staff import StaffStore
from streams import aws
from streams.envelope import staff_envelope
from streams.listening import listen_host
from streams.logs import configure_logging
from streams.payload_codec import kms_codec


async def build(settings: StaffSettings) -> web.Application:
    engine = create_engine(settings.database_url, pool_size=4, application="staff")
    store, kms = StaffStore(engine), aws.client("kms")
    search = await _search(settings, engine)

    async def is_ready() -> bool:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return True

    portal = Portal(
        PortalParts(
            settings=settings,
            store=store,
            login=StaffLogin(store, Passwords(), staff_envelope(kms)),
            signer=StaffSigner(kms),
            codec=kms_codec(kms, settings.temporal_namespace),
            search=search,
            figures=Figures(engine, settings.temporal_ui_url, settings.temporal_namespace),
            is_ready=is_ready,
        )
    )
    app = portal.app()
    app.on_cleanup.append(lambda _: search.close())
    app.on_cleanup.append(lambda _: engine.dispose())
    return app


async def _search(settings: StaffSettings, engine: AsyncEngine) -> StaffSearch:
    async with engine.connect() as connection:
        catalog = await read_catalog(connection)
    return StaffSearch(
        build_search(
            opensearch_url=settings.opensearch_url,
            table_prefix=settings.table_prefix,
            dynamodb=aws.client("dynamodb"),
            catalog=catalog,
            viewer_of=staff_viewer_of,
            audit=StaffAudit(engine),
        )
    )


def main() -> None:
    settings = StaffSettings()
    configure_logging("staff")
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, listen_host())
    web.run_app(
        build(settings),
        host=listen_host(),
        port=settings.staff_port,
        print=None,
        access_log=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
