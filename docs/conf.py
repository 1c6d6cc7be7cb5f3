"""Sphinx: Markdown pages and the reference from the docstrings. ``make docs`` builds it, warnings are errors."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# The reference imports Airflow, whose first import writes into its home; the user's own is not ours.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="ninebits-docs-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

from airflow_provider_ninebits import __version__

project = "airflow-provider-ninebits"
author = "The airflow-provider-ninebits authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
# Links to a heading of another page: page.md#heading.
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "measured"]

html_theme = "furo"
html_title = f"9bits for Apache Airflow {__version__}"
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# What the signatures name and no page of ours describes: Python's and Airflow's own, and types inside the package.
nitpick_ignore_regex = [
    (r"py:.*", r"(airflow|airflow_provider_ninebits|collections|datetime|decimal|httpx|pendulum|typing)\b.*"),
    (r"py:.*", r"[A-Z]\w*|\w+\.\.\.|'.*'|bool|dict|float|int|list|str|tuple|None|optional|timedelta"),
]
