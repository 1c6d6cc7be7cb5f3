"""Links from a task to its messages on the "Voice calls" page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.providers.common.compat.sdk import BaseOperatorLink, conf

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.mounts import PAGE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import BaseOperator

LINK_NAME = "Voice calls"
MOST_REF_IDS = 50
"""A link to more would be longer than what a browser or a proxy takes."""

log = logging.getLogger(__name__)


class TaskCallsLink(BaseOperatorLink):
    """From a task that sends to what it has sent, in all of its tries."""

    name = LINK_NAME

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return the page with what this instance of the task has sent.

        :param ti_key: the task instance, or its key.
        """
        place = [("dag_id", ti_key.dag_id), ("run_id", ti_key.run_id), ("task_id", ti_key.task_id)]
        if ti_key.map_index is not None and ti_key.map_index >= 0:
            place.append(("map_index", str(ti_key.map_index)))
        return page_url(place)


class LadderCallsLink(TaskCallsLink):
    """From an escalation to its calls; the ledger keeps those of a mapped task's instances together."""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the page with what the task has sent in this run."""
        return page_url([("dag_id", ti_key.dag_id), ("run_id", ti_key.run_id), ("task_id", ti_key.task_id)])


class AwaitedCallsLink(BaseOperatorLink):
    """From a wait to what it waits for, whoever has sent that."""

    name = LINK_NAME

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the page with the messages that are waited for, the first 50; with all, where that cannot be read."""
        from airflow_provider_ninebits.hooks.arguments import read_ref_ids

        try:
            ref_ids = read_ref_ids(getattr(operator, "ref_id", None))
        except InvalidArgument:
            ref_ids = []
        return page_url([("ref_id", ref_id) for ref_id in ref_ids[:MOST_REF_IDS]])


def page_url(filters: Sequence[tuple[str, str]]) -> str:
    """Return the address of the page, with its filters: below ``[api] base_url``, as Airflow's own links are."""
    page = f"{conf.get('api', 'base_url', fallback='/').rstrip('/')}{PAGE_PREFIX}/"
    return f"{page}?{urlencode(filters)}" if filters else page


def show_links(operator: BaseOperator, context: Any) -> None:
    """
    Push a task's links now; Airflow does that when the task leaves its worker, and people look while it is at work.

    It raises nothing: a link is worth no call.
    """
    for link in operator.operator_extra_links:
        try:
            ti = context["ti"]
            ti.xcom_push(key=link.xcom_key, value=link.get_link(operator, ti_key=ti))
        except Exception as error:
            log.warning("The link %r of the task comes when it has ended: %s", link.name, error)
