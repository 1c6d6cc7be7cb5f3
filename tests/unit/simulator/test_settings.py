from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from airflow_provider_ninebits.simulator.__main__ import main, parser
from airflow_provider_ninebits.simulator.settings import CallbackAddress, SimulatorSettings

NUMBER = "2348020000000"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answer_rate", 1.1),
        ("answer_rate", float("nan")),
        ("repeat_rate", -0.1),
        ("early_rate", 2),
        ("attempts", 0),
        ("ring_seconds", -1),
        ("talk_seconds", float("inf")),
        ("talk_seconds", (5.0, 4.0)),
        ("ring_seconds", (-1.0, 4.0)),
        ("attempt_gap_seconds", (1.0, 2.0)),
        ("value_types", "odd"),
        ("speed", 0),
        ("speed", float("inf")),
        ("ref_id", "sometimes"),
        ("unanswered_shape", "odd"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../etc/passwd"),
    ],
)
def test_a_setting_that_cannot_be_is_named(field, value) -> None:
    with pytest.raises(ValueError, match=field):
        SimulatorSettings(**{field: value})


@pytest.mark.parametrize(
    ("url", "bare", "credentials"),
    [
        ("http://localhost:8080/cb?x=1", "http://localhost:8080/cb?x=1", None),
        ("http://ninebits:secret@localhost:8080/cb", "http://localhost:8080/cb", ("ninebits", "secret")),
        ("https://u:p%40ss@[::1]:1/", "https://[::1]:1/", ("u", "p@ss")),
        ("http://only@host/", "http://host/", ("only", "")),
    ],
)
def test_credentials_are_taken_out_of_a_callback_url(url, bare, credentials) -> None:
    address = CallbackAddress.read(url)
    assert (address.url, address.credentials) == (bare, credentials)
    assert "secret" not in repr(address)


@pytest.mark.parametrize("url", ["", "localhost", "ftp://u:secret@x/", "http://u:secret@", "http://u:secret@x:port/"])
def test_a_wrong_callback_url_is_refused_without_repeating_its_password(url) -> None:
    with pytest.raises(ValueError, match="callback URL") as refused:
        SimulatorSettings(callback_url=url)
    assert "secret" not in str(refused.value)


def test_settings_do_not_show_secrets() -> None:
    settings = SimulatorSettings(callback_url="http://u:secret@x/", api_key="secret")
    assert "secret" not in repr(settings)


def test_every_setting_has_an_option_with_the_same_default() -> None:
    given = vars(parser().parse_args([]))
    del given["host"], given["port"]
    assert given == dataclasses.asdict(SimulatorSettings())


def test_a_range_is_given_as_two_numbers() -> None:
    given = parser().parse_args(["--ring-seconds", "3-12", "--talk-seconds", "2.5"])
    assert (given.ring_seconds, given.talk_seconds) == ((3.0, 12.0), 2.5)


@pytest.mark.parametrize("text", ["soon", "", "3-", "3-soon", "1-2-3"])
def test_what_is_no_range_of_seconds_is_told(text, capsys) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"--ring-seconds={text}"])
    assert f"{text!r} is no number of seconds; write one, or two for a range, like 3-12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "no file with JSON"), ('{"faults": [{"kind": "explode"}]}', "kind is 'explode'"), ("[]", "no JSON object")],
)
def test_a_wrong_script_file_ends_with_what_is_wrong(content, message, tmp_path, capsys, restored_signals) -> None:
    file = tmp_path / "orders.json"
    file.write_text(content)
    # argparse leaves by itself, main returns.
    try:
        status = main(["--port", "0", "--script", str(file)])
    except SystemExit as left:
        status = left.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_settings_do_not_show_the_numbers_of_their_script() -> None:
    assert NUMBER not in repr(SimulatorSettings(script={"numbers": {NUMBER: {"lose_callback": True}}}))


def test_a_wrong_option_ends_with_what_is_wrong(capsys, restored_signals) -> None:
    assert main(["--callback-url", "ftp://u:secret@x/"]) == 2
    shown = capsys.readouterr()
    assert "callback URL" in shown.err
    assert "secret" not in shown.err + shown.out


@pytest.fixture
def restored_signals():
    import signal

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_package_loads_no_server_before_it_is_asked_for_one() -> None:
    code = (
        "import sys, airflow_provider_ninebits.simulator as s; assert s.SimulatorSettings().seed == 0;"
        "assert not {'httpx', 'starlette', 'uvicorn', 'airflow'} & set(sys.modules); s.running_simulator"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import airflow_provider_ninebits.simulator as package

    with pytest.raises(AttributeError, match="nothing_here"):
        _ = package.nothing_here
