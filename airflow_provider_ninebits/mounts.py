"""Where in the API server the plugin mounts what it has. Light: every process of Airflow imports it."""

from __future__ import annotations

from typing import Final

URL_PREFIX: Final = "/ninebits"
PAGE_PREFIX: Final = "/ninebits/calls"
