"""How many examples are played."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

MORE = "NINEBITS_MODEL_EXAMPLES"


def examples(usual: int, **given: object) -> settings:
    """
    Return Hypothesis' settings for some examples, which are the same in each run.

    ``NINEBITS_MODEL_EXAMPLES=5000`` plays that many, and others in each run; a failure prints how to see it again.
    """
    wanted = int(os.environ.get(MORE, "0"))
    return settings(
        max_examples=wanted or usual,
        derandomize=not wanted,
        print_blob=bool(wanted),
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        **given,  # type: ignore[arg-type]
    )
