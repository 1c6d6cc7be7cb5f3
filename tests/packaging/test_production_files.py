"""
The files of docs/production: against a schema where a package has one, and what they name against what there is.

They are not run here; the page says so. nginx.conf is the exception: `make cluster-test` runs it.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from airflow_provider_ninebits import __version__
from airflow_provider_ninebits.api.callbacks import MOST_IN_LIST
from airflow_provider_ninebits.configuration import OPTIONS
from airflow_provider_ninebits.webhook.app import receiver_app
from airflow_provider_ninebits.webhook.bodies import BODY_SECONDS, LARGEST_BODY_BYTES
from airflow_provider_ninebits.webhook.endpoint import COMMIT_SECONDS_FOR_EACH_IN_LIST
from airflow_provider_ninebits.webhook.serving import KEEP_ALIVE_SECONDS, STOP_SECONDS
from airflow_provider_ninebits.webhook.settings import ReceiverSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "production"
PAGE = (ROOT / "docs" / "production.md").read_text()
OLDEST_KUBERNETES = "1.30"
"""preStop's sleep is on by default from there."""
SENSITIVE = {option.variable for option in OPTIONS if option.sensitive}
VARIABLES = {option.variable for option in OPTIONS} | {f"{variable}_CMD" for variable in SENSITIVE}
OF_AIRFLOW = {"AIRFLOW_HOME", "AIRFLOW_CONN_NINEBITS_DEFAULT"}


def kubernetes() -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())}


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FILES / "compose.yaml").read_text()))


def helm_values() -> dict[str, Any]:
    return dict(yaml.safe_load((FILES / "helm-values.yaml").read_text()))


def nginx(directive: str) -> str:
    found = re.findall(rf"^\s*{directive} ([^;]+);", (FILES / "nginx.conf").read_text(), re.MULTILINE)
    assert len(found) == 1, f"{directive}: {found}"
    return str(found[0])


def nginx_seconds(directive: str) -> float:
    return float(nginx(directive).removesuffix("s"))


def container() -> dict[str, Any]:
    (only,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def secrets_of(text: str) -> dict[str, set[str]]:
    """Secrets that a comment says how to make, with their keys."""
    made = re.findall(r"^# kubectl create secret generic (\S+)(.*)$", text, re.MULTILINE)
    return {name: set(re.findall(r"--from-file=(\w+)", files)) for name, files in made}


def served(path: str, tmp_path: Path) -> bool:
    app = receiver_app(ReceiverSettings(f"sqlite:///{tmp_path / 'ledger.db'}"))
    return any(route.path == path for route in app.routes)  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("kind", ["Deployment", "Service", "Ingress", "PodDisruptionBudget"])
def test_the_manifest_is_what_kubernetes_takes(kind: str, version: str) -> None:
    kubernetes_validate.validate(kubernetes()[kind], version, strict=True)


def test_the_manifests_parts_find_each_other() -> None:
    objects = kubernetes()
    pod = objects["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (port,) = container()["ports"]
    (service_port,) = objects["Service"]["spec"]["ports"]
    assert service_port["targetPort"] == port["name"]
    (rule,) = objects["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {
        "name": objects["Service"]["metadata"]["name"],
        "port": {"name": service_port["name"]},
    }
    assert objects["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert {each["name"] for each in container()["volumeMounts"]} == {each["name"] for each in pod["spec"]["volumes"]}


def test_the_manifests_secrets_are_those_that_it_says_to_make() -> None:
    made = secrets_of((FILES / "kubernetes.yaml").read_text())
    references = [each["valueFrom"]["secretKeyRef"] for each in container()["env"] if "valueFrom" in each]
    assert {(each["name"], each["key"]) for each in references} == {
        (name, key) for name, keys in made.items() for key in keys
    }


def test_the_manifests_receiver_listens_where_it_is_asked(tmp_path: Path) -> None:
    receiver = container()
    assert importlib.import_module(receiver["command"][2] + ".__main__")
    assert receiver["args"][receiver["args"].index("--port") + 1] == str(receiver["ports"][0]["containerPort"])
    ready = receiver["readinessProbe"]
    assert ready["httpGet"]["port"] == receiver["ports"][0]["name"]
    assert served(ready["httpGet"]["path"], tmp_path)
    # An outage of the ledger must not restart everybody.
    assert "httpGet" not in receiver["livenessProbe"]


def test_a_pod_has_the_time_to_answer_what_is_under_way() -> None:
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    before_seconds = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > before_seconds + STOP_SECONDS


def test_the_compose_file_is_what_compose_takes() -> None:
    jsonschema.validate(compose(), get_builtin_schema("vendor.compose-spec"))


def test_the_compose_files_parts_find_each_other(tmp_path: Path) -> None:
    given = compose()
    receiver, ledger = given["services"]["receiver"], given["services"]["ledger"]
    assert set(receiver["depends_on"]) == {"ledger"}
    assert "healthcheck" in ledger, "the receiver waits for it"
    used = {secret for service in given["services"].values() for secret in service["secrets"]}
    assert used == set(given["secrets"])
    for service in given["services"].values():
        values = " ".join(service["environment"].values())
        assert {Path(each).name for each in re.findall(r"/run/secrets/\w+", values)} == set(service["secrets"])
    assert {each.split(":")[0] for each in ledger["volumes"]} == set(given["volumes"])
    assert importlib.import_module(receiver["entrypoint"][2] + ".__main__")
    port = receiver["command"][receiver["command"].index("--port") + 1]
    assert receiver["ports"] == [f"127.0.0.1:{port}:{port}"]
    asked = re.search(r"http://127\.0\.0\.1:(\d+)([\w/]+)", receiver["healthcheck"]["test"][-1])
    assert asked is not None
    assert asked[1] == port
    assert served(asked[2], tmp_path)
    assert float(receiver["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_the_compose_files_secrets_belong_to_whom_reads_them() -> None:
    # Compose mounts a file as it is on the host, whatever mode and owner that has.
    text, receiver = (FILES / "compose.yaml").read_text(), compose()["services"]["receiver"]
    (chown,) = re.findall(r"chown (\d+) ((?:\w+ ?)+) &&", text)
    (chmod,) = re.findall(r"chmod 0400 (.*)$", text, re.MULTILINE)
    assert receiver["user"] == f"{chown[0]}:0"
    assert set(chown[1].split()) == set(receiver["secrets"])
    assert set(chmod.split()) == set(compose()["secrets"])
    assert kubernetes()["Deployment"]["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(chown[0])


def test_the_compose_files_secrets_reach_the_receiver(tmp_path: Path) -> None:
    # As an editor leaves them.
    (tmp_path / "ledger_url").write_text("postgresql+psycopg://ninebits:one@ledger/ninebits\n")
    (tmp_path / "webhook_password").write_text("two,three\n")
    given = compose()["services"]["receiver"]["environment"]
    environment = {name: value.replace("/run/secrets/", f"{tmp_path}/") for name, value in given.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__NINEBITS__")}
    read = (
        "from airflow_provider_ninebits.configuration import read_settings; s = read_settings(); "
        "print(s.sql_alchemy_conn, s.webhook_passwords, s.callback_timezone)"
    )
    said = subprocess.run(
        [sys.executable, "-c", read],
        env=kept | environment | {"AIRFLOW_HOME": str(tmp_path / "airflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    zone = given["AIRFLOW__NINEBITS__CALLBACK_TIMEZONE"]
    assert said.stdout.splitlines()[-1] == f"postgresql+psycopg://ninebits:one@ledger/ninebits ('two', 'three') {zone}"


def test_the_chart_is_given_options_that_airflow_has() -> None:
    from airflow.configuration import conf

    for section, options in helm_values()["config"].items():
        for option in options:
            assert conf.get(section, option, fallback=None) is not None, f"[{section}] {option}"


def test_the_charts_secrets_are_those_that_it_says_to_make() -> None:
    made = secrets_of((FILES / "helm-values.yaml").read_text())
    assert {(each["secretName"], each["secretKey"]) for each in helm_values()["secret"]} == {
        (name, key) for name, keys in made.items() for key in keys
    }


def variables_given() -> Iterator[tuple[str, str]]:
    for each in container()["env"]:
        yield "kubernetes.yaml", each["name"]
    for each in compose()["services"]["receiver"]["environment"]:
        yield "compose.yaml", each
    for each in helm_values()["env"]:
        yield "helm-values.yaml", each["name"]
    for each in helm_values()["secret"]:
        yield "helm-values.yaml", each["envName"]


@pytest.mark.parametrize(("file", "variable"), list(variables_given()))
def test_every_variable_is_an_option(file: str, variable: str) -> None:
    assert variable in VARIABLES | OF_AIRFLOW


@pytest.mark.parametrize("file", sorted(each.name for each in FILES.iterdir()))
def test_no_secret_is_asked_for_on_a_command_line(file: str) -> None:
    # It would stay in the shell's history.
    assert "--from-literal" not in (FILES / file).read_text()


def test_the_pages_way_to_make_secrets_leaves_them_for_their_owner_alone(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    subprocess.run(["bash", "-c", recipe], input="one\ntwo words\n", text=True, cwd=tmp_path, check=True)
    made = {each.name: (each.read_text(), each.stat().st_mode & 0o777) for each in tmp_path.iterdir()}
    assert made == {"sql_alchemy_conn": ("one", 0o600), "webhook_password": ("two words", 0o600)}
    assert set(made) == secrets_of((FILES / "kubernetes.yaml").read_text())["ninebits"]


def test_no_secret_stands_in_a_file() -> None:
    for each in container()["env"]:
        assert ("value" in each) == (each["name"] not in SENSITIVE), each["name"]
    assert not SENSITIVE & set(compose()["services"]["receiver"]["environment"])
    assert not SENSITIVE & {each["name"] for each in helm_values()["env"]}


def test_the_page_names_every_option() -> None:
    # Or the table of who needs what would have been forgotten.
    assert {option.name for option in OPTIONS if f"`{option.name}`" not in PAGE} == set()


def test_the_image_has_the_versions_of_this_project() -> None:
    pinned = re.search(r"^apache-airflow==([\d.]+)", (ROOT / "requirements" / "dev.in").read_text(), re.MULTILINE)
    assert pinned is not None
    tag = f"{pinned[1]}-{__version__}"
    assert container()["image"].endswith(f":{tag}")
    receiver = compose()["services"]["receiver"]
    assert receiver["image"].endswith(f":{tag}")
    recipe = receiver["build"]["dockerfile_inline"]
    assert f"apache/airflow:{pinned[1]}\n" in recipe
    assert f"[postgres]=={__version__}" in recipe
    assert helm_values()["airflowVersion"] == pinned[1]
    assert helm_values()["defaultAirflowTag"] == tag
    assert f"{helm_values()['defaultAirflowRepository']}:{tag}" == container()["image"]


def test_nginx_is_more_patient_than_the_receiver() -> None:
    # What nginx turns away itself is not in the ledger, and a receiver's answer must not come too late for it.
    assert int(nginx("client_max_body_size").removesuffix("m")) * 1024 * 1024 > LARGEST_BODY_BYTES
    longest_seconds = 2 + MOST_IN_LIST * COMMIT_SECONDS_FOR_EACH_IN_LIST
    assert nginx_seconds("proxy_read_timeout") > longest_seconds
    assert nginx_seconds("client_body_timeout") >= BODY_SECONDS
    assert nginx_seconds("keepalive_timeout") < KEEP_ALIVE_SECONDS


def test_the_ingress_leaves_large_bodies_to_the_receiver() -> None:
    # By default ingress-nginx takes 1 MiB, as the receiver does, and its own 413 is in no ledger.
    annotations = kubernetes()["Ingress"]["metadata"]["annotations"]
    limit = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert limit == nginx("client_max_body_size")
    assert annotations["nginx.ingress.kubernetes.io/proxy-next-upstream"] == nginx("proxy_next_upstream")


def test_nginx_logs_neither_password_nor_body() -> None:
    # In its comments they may be.
    text = re.sub(r"#.*", "", (FILES / "nginx.conf").read_text())
    assert not re.search(r"\$(http_authorization|remote_user|request_body|args|request_uri|request\b(?!_))", text)


def test_the_page_shows_every_file() -> None:
    shown = set(re.findall(r"literalinclude\} production/(\S+)", PAGE))
    assert shown == {each.name for each in FILES.iterdir()}
