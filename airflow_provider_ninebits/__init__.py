"""
An Apache Airflow provider that rings phones through the 9bits voice API and learns who answered.

Airflow asks for the provider's metadata before it is set up itself, so nothing of Airflow is imported here.
"""

from __future__ import annotations

# Not inside a function: the first import of the module of that name would put the module in the function's place.
from airflow_provider_ninebits.get_provider_info import get_provider_info

__all__ = ["__version__", "get_provider_info"]

__version__ = "0.1.0"
