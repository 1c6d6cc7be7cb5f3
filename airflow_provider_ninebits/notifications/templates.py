"""The templated fields of a notifier, rendered one by one, so that one that fails does not take the others with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.exceptions import InvalidArgument

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import BaseNotifier

log = logging.getLogger(__name__)


class Templates:
    """
    Renders the fields of a notifier with one context.

    The notifier keeps its templates: Airflow calls the same one for several runs.

    :param context: whatever Airflow hands to a callback, or nothing.
    """

    def __init__(self, notifier: BaseNotifier, context: Mapping[str, Any]) -> None:
        own = {name: getattr(notifier, name) for name in notifier.template_fields}
        self._context: Any = {**context, **own}
        dag = context.get("dag")
        renderer: Any = copy(notifier)
        # Said here, what stands for the DAG in the context need not know it.
        renderer.render_template_as_native_obj = getattr(dag, "render_template_as_native_obj", False) is True
        self._renderer = renderer
        self.stage = "waiting for a thread"
        """What it is at, for who gives it up."""
        self._environment = _environment(notifier, dag)

    def needed(self, field: str) -> object:
        """
        Return a field's value.

        :raises InvalidArgument: it cannot be rendered; nobody can be rung.
        """
        try:
            return self._rendered(field)
        except Exception as error:
            raise InvalidArgument(f"{field} cannot be rendered: {_words(error)}; is it in the context here?") from error

    def optional(self, field: str, default: object) -> object:
        """Return a field's value, or a default where it cannot be rendered: an alert is not lost for that."""
        try:
            return self._rendered(field)
        except Exception as error:
            log.error("%s of this notifier cannot be rendered, so %r is taken: %s", field, default, _words(error))
            return default

    def _rendered(self, field: str) -> object:
        self.stage = f"rendering {field}"
        value = getattr(self._renderer, field)
        if callable(value):
            return value(context=self._context, jinja_env=self._environment)
        return self._renderer.render_template(value, self._context, self._environment)


def _environment(notifier: BaseNotifier, dag: Any) -> jinja2.Environment:
    if not hasattr(dag, "get_template_env"):
        dag = None
    return notifier.get_template_env(dag=dag)


def _words(error: Exception) -> str:
    from airflow_provider_ninebits.api.masking import shown_text

    return f"{type(error).__name__}: {shown_text(str(error))}"
