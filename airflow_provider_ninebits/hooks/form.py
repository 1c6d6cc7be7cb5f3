"""The connection form's extra fields, as Airflow 3.1 wants them."""

from __future__ import annotations

from typing import Any


def form_widgets() -> dict[str, Any]:
    """Return a widget for each of the provider's fields, a whole number's or a text's."""
    from wtforms import IntegerField, StringField

    from airflow_provider_ninebits.get_provider_info import EXTRA_FIELDS

    return {
        name: (IntegerField if "integer" in field["schema"]["type"] else StringField)(
            field["label"], description=field["description"]
        )
        for name, field in EXTRA_FIELDS.items()
    }
