"""Everything the staff portal reads from its environment."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class StaffSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_ui_url: str
    """Reachable by the portal only; whoever reaches it directly is nobody."""
    temporal_namespace: str = "rialto"
    staff_url: str
    """How browsers reach the portal: the one origin it accepts changes from."""
    staff_port: int
    opensearch_url: str
    table_prefix: str = "rialto-"
    health_port: int | None = None
    metrics_port: int | None = None
