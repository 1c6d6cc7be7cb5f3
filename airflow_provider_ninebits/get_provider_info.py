"""
What Airflow is told about this package.

Airflow asks before its own configuration is ready, and every ``airflow`` command asks: nothing heavy is
imported.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from airflow_provider_ninebits.api.defaults import BASE_URL, MAX_PARALLEL_REQUESTS, TIMEOUT_SECONDS
from airflow_provider_ninebits.configuration import OPTIONS, SECTION

CONNECTION_TYPE: Final = "ninebits"
HOOK_CLASS_NAME: Final = "airflow_provider_ninebits.hooks.ninebits.NineBitsHook"
HOOK_NAME: Final = "9bits"
NOTIFIER_CLASS_NAME: Final = "airflow_provider_ninebits.notifications.voice.NineBitsNotifier"
COMMANDS: Final = "airflow_provider_ninebits.cli.definition.get_commands"

EXTRA_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "timeout": {
        "label": "Timeout (seconds)",
        "description": (
            f"Seconds that one whole request to 9bits may take by the clock, {TIMEOUT_SECONDS} if left empty. What "
            "takes longer leaves the message uncertain: phones may have rung."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1, "default": TIMEOUT_SECONDS},
    },
    "max_parallel_requests": {
        "label": "Parallel requests",
        "description": (
            "How many requests, of 1000 recipients each, one send has under way at once, 1 if left empty. 9bits does "
            "not document how many it takes."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_PARALLEL_REQUESTS},
    },
    "calling_hours": {
        "label": "Calling hours",
        "description": (
            "When SendVoiceOperator may ring if the task does not say, e.g. 09:00-20:00; separate several with "
            "commas. Outside these hours it waits. Empty, with no calling days: at any time. The hook, the notifier "
            "and the escalation ignore it."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "calling_days": {
        "label": "Calling days",
        "description": "On which days these hours are: mon-fri, or mon,wed,sat. Every day if left empty.",
        "schema": {"type": ["string", "null"]},
    },
    "timezone": {
        "label": "Time zone of the calling hours",
        "description": (
            "Its name, e.g. Africa/Lagos, or destination, for that of each number. Calling hours without one ring "
            "nobody."
        ),
        "schema": {"type": ["string", "null"]},
    },
}
FIELD_BEHAVIOUR: Final[dict[str, Any]] = {
    "hidden_fields": ["schema", "login", "port", "extra"],
    "relabeling": {"password": "API key", "host": "Base URL"},
    "placeholders": {"password": "from the 9bits dashboard: settings > security", "host": BASE_URL},
}

_INTEGRATION: Final = "9bits"


def get_provider_info() -> dict[str, Any]:
    """
    Return the provider's metadata.

    :return: what ``provider_info.schema.json`` of the installed Airflow describes. ``conn-fields`` and
        ``ui-field-behaviour`` are read from Airflow 3.2 on; before, the hook's own methods give the form
    """
    return {
        "package-name": "airflow-provider-ninebits",
        "name": "9bits",
        "description": "Rings phones through the 9bits voice API and learns who answered.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://9bits.net",
                "tags": ["service"],
            }
        ],
        "connection-types": [_connection_type()],
        "hooks": [_modules("airflow_provider_ninebits.hooks.ninebits")],
        "operators": [
            _modules("airflow_provider_ninebits.operators.voice", "airflow_provider_ninebits.operators.escalation"),
        ],
        "sensors": [_modules("airflow_provider_ninebits.sensors.callback")],
        "triggers": [
            _modules(
                "airflow_provider_ninebits.triggers.callback",
                "airflow_provider_ninebits.triggers.escalation",
                "airflow_provider_ninebits.triggers.events",
                "airflow_provider_ninebits.triggers.opening",
            ),
        ],
        "notifications": [NOTIFIER_CLASS_NAME],
        "extra-links": [
            f"airflow_provider_ninebits.operators.links.{name}"
            for name in ("TaskCallsLink", "LadderCallsLink", "AwaitedCallsLink")
        ],
        # Read from Airflow 3.2 on.
        "cli": [COMMANDS],
        "config": {
            SECTION: {
                "description": "Voice calls through 9bits: the ledger, and the receiver of callbacks.",
                "options": {option.name: option.provider_info() for option in OPTIONS},
            }
        },
    }


def _connection_type() -> dict[str, Any]:
    return {
        "connection-type": CONNECTION_TYPE,
        "hook-class-name": HOOK_CLASS_NAME,
        "hook-name": HOOK_NAME,
        "conn-fields": deepcopy(EXTRA_FIELDS),
        # Of the same names, with dashes.
        "ui-field-behaviour": {
            name.replace("_", "-"): deepcopy(behaviour) for name, behaviour in FIELD_BEHAVIOUR.items()
        },
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": _INTEGRATION, "python-modules": list(names)}
