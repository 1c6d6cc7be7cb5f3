"""What the parts are told: Airflow's options, and nginx's configuration, made from the one in the docs."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.local_airflow import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.engine import URL

NGINX_OF_THE_DOCS = ROOT / "docs" / "production" / "nginx.conf"
DAGS = ROOT / "scripts" / "cluster" / "dags"
REQUEST_TIMEOUT_SECONDS = 20
WORKER_SLOTS = 8

# All of a cluster share these; an Airflow in production has them from its secrets.
_HEARTBEATS = {
    # After this long a task whose worker is gone is tried again: 300 s by default.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    # And one that a killed worker had taken from the queue but not begun: 600 s by default, looked for every 120 s.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    # What a killed scheduler had in hand is adopted: every 300 s by default.
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    # A killed triggerer's waits move to the other one: after 30 s by default.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}


def airflow_options(
    *, metadata: URL, ledger: URL, redis_port: int, simulator_url: str, password: str, bin_folder: Path
) -> dict[str, str]:
    """Return the options that every process of Airflow and of the receivers has, over those of a local Airflow."""
    shown = metadata.render_as_string(hide_password=False)
    connection = {
        "conn_type": "ninebits",
        "password": "cluster-key",
        "host": simulator_url,
        "extra": {"timeout": REQUEST_TIMEOUT_SECONDS},
    }
    return {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        # No more than the workers have slots for: what waits in the queue of a worker that dies is found late.
        "AIRFLOW__CORE__PARALLELISM": str(2 * WORKER_SLOTS),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": shown,
        # The same driver; else Airflow looks for asyncpg.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": shown,
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{shown}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(WORKER_SLOTS),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger.render_as_string(hide_password=False),
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": password,
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(connection),
        **_HEARTBEATS,
    }


def receivers_conf(documented: str, *, port: int, receivers: Sequence[int], folder: Path) -> str:
    """
    Return the docs' nginx configuration with other addresses, names and paths; it stays the same line by line.

    :raises ValueError: where it has changed so that not everything would be replaced.
    """
    changed = documented
    for pattern, new, times in (
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;", 1),
        (r"server_name [\w.]+;", "server_name 127.0.0.1;", 1),
        (r"/etc/nginx/tls/ninebits\.crt", str(folder / "certificate.pem"), 1),
        (r"/etc/nginx/tls/ninebits\.key", str(folder / "key.pem"), 1),
        (r"/var/log/nginx/", f"{folder}/", 2),
    ):
        changed, found = re.subn(pattern, new, changed)
        if found != times:
            raise ValueError(f"{pattern} is there {found} times, not {times}")
    addresses = iter(receivers)
    changed, found = re.subn(r"server 10\.0\.0\.\d+:9010;", lambda _: f"server 127.0.0.1:{next(addresses)};", changed)
    if found != len(receivers):
        raise ValueError(f"there are {found} receivers in it, not {len(receivers)}")
    return changed


def nginx_conf(folder: Path, *, api_port: int, api_servers: Sequence[int], as_root: bool) -> str:
    """Return the main configuration: everything in one folder, and the API servers behind it as well."""
    servers = "".join(f"        server 127.0.0.1:{port};\n" for port in api_servers)
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{'user root;' if as_root else ''}\ndaemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/nginx.error.log;\nevents {{ worker_connections 1024; }}\nhttp {{\n"
        f"    access_log off;\n{temporary}    include {folder}/receivers.conf;\n"
        f"    upstream api_servers {{\n{servers}    }}\n"
        f"    server {{\n        listen 127.0.0.1:{api_port};\n        client_max_body_size 0;\n"
        f"        location / {{\n            proxy_pass http://api_servers;\n            proxy_http_version 1.1;\n"
        f'            proxy_set_header Connection "";\n            proxy_set_header Host $http_host;\n'
        f"            proxy_read_timeout 60s;\n        }}\n    }}\n}}\n"
    )


def write_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signed itself, and its key; return the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    written = folder / "certificate.pem"
    written.write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return written
