"""
An Apache Airflow provider that rings phones through the 9bits voice API and learns who answered.

Airflow asks for the provider's metadata before it is set up itself, so nothing of Airflow is imported here.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def get_provider_info() -> dict[str, Any]:
    """
    Return the metadata that Airflow discovers the provider by.

    :return: what :func:`airflow_provider_ninebits.get_provider_info.get_provider_info` returns
    """
    from airflow_provider_ninebits.get_provider_info import get_provider_info as provider_info

    return provider_info()
