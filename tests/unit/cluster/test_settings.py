"""The cluster runs the nginx configuration of the docs, and says so where it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.cluster.settings import NGINX_OF_THE_DOCS, receivers_conf

FOLDER = Path("/tmp/cluster")


def conf(documented: str) -> str:
    return receivers_conf(documented, port=7000, receivers=[7001, 7002], folder=FOLDER)


def test_addresses_names_and_paths_are_all_that_changes() -> None:
    documented = NGINX_OF_THE_DOCS.read_text()
    before, after = documented.splitlines(), conf(documented).splitlines()
    assert len(before) == len(after)
    changed = [(old.split()[0], new.split()[0]) for old, new in zip(before, after, strict=True) if old != new]
    assert [old for old, _ in changed] == [
        *("server", "server", "listen", "server_name"),
        *("ssl_certificate", "ssl_certificate_key", "access_log", "error_log"),
    ]
    assert all(old == new for old, new in changed)


def test_nothing_of_the_docs_machines_is_left() -> None:
    assert not re.search(r"10\.0\.0|example\.com|/etc/|/var/", conf(NGINX_OF_THE_DOCS.read_text()))


@pytest.mark.parametrize("gone", ["listen 443 ssl;", "server 10.0.0.12:9010;", "/etc/nginx/tls/ninebits.key"])
def test_what_cannot_be_replaced_is_an_error(gone: str) -> None:
    with pytest.raises(ValueError, match=r"is there 0 times|1 receivers"):
        conf(NGINX_OF_THE_DOCS.read_text().replace(gone, ""))
