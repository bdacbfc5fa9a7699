from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import ENVIRONMENT, Listen, Settings, SettingsError, load


def loaded(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "postern.yaml"
    file.write_text(text)
    return load(file, environment or {})


def test_the_default_harms_nobody() -> None:
    settings = load(None, {})
    assert settings.listen.host == "127.0.0.1"
    ports = [getattr(settings.listen, name) for name in Listen.model_fields if name.endswith("_port")]
    assert min(ports) >= 1024
    assert len(set(ports)) == len(ports)
    assert settings.policy.is_dir()
    assert settings.edge_count >= 1


def test_the_later_word_wins(tmp_path: Path) -> None:
    text = "hostname: file.example\ndata: /from/file\nlisten: {mx_port: 25}\n"
    settings = loaded(tmp_path, text, {"POSTERN_MX_PORT": "26", "POSTERN_NAMESERVERS": "192.0.2.1,192.0.2.2:53"})
    assert (settings.hostname, settings.listen.mx_port) == ("file.example", 26)
    assert settings.dns.nameservers == ["192.0.2.1", "192.0.2.2:53"]
    environment = {"POSTERN_DATA": "/from/environment"}
    assert loaded(tmp_path, text, environment).data == Path("/from/environment")
    assert load(None, environment, data=Path("/said")).data == Path("/said")


def test_sizes_and_times_are_written_as_people_write_them(tmp_path: Path) -> None:
    text = "limits: {message_size: 25MiB, free_disk: 1024, idle: 5min}\ndelivery: {lifetime: 2d, timeout: 60}\n"
    settings = loaded(tmp_path, text)
    assert (settings.limits.message_size, settings.limits.free_disk) == (25 * 1024 * 1024, 1024)
    assert (settings.limits.idle, settings.delivery.lifetime, settings.delivery.timeout) == (300.0, 172800.0, 60.0)


def test_an_empty_variable_says_nothing() -> None:
    assert load(None, {"POSTERN_MX_PORT": ""}).listen.mx_port == 2525


def test_every_variable_sets_what_it_names() -> None:
    for name, path in ENVIRONMENT.items():
        if path[-1].endswith("_port") or path[-1] == "edges":
            settings = load(None, {name: "47"})
            value = getattr(getattr(settings, path[0]), path[1]) if len(path) == 2 else getattr(settings, path[0])
            assert value == 47, name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "listen:\n  mxport: 25\n",
            ":2: listen.mxport: there is no such setting\n    mend: did you mean `mx_port`?",
        ),
        (
            "hostname: a\nlisten:\n  host: b\n  mx_port: many\n",
            ":4: listen.mx_port: 'many' is not a whole number\n    mend: write a whole number",
        ),
        ("listen: {mx_port: 70000}\n", "70000 is out of bounds\n    mend: write at most 65535"),
        ("dns: {query_timeout: 0}\n", ":1: dns.query_timeout: 0 is out of bounds\n    mend: write more than 0"),
        ("dns: {query_timeout: 3 parsecs}\n", "like `30d`\n    mend: "),
        ("limits: {message_size: 5 bananas}\n", "like `50MiB`\n    mend: "),
        ("clamav: off\n", ":1: clamav: 'False' is not a mapping of names to values"),
        ("limits: [1, 2]\n", ":1: limits: "),
        ("nothing: {like: this}\n", "there is no such setting\n    mend: one of hostname, "),
        ("forwarding: {domain: a..b}\n", ":1: forwarding.domain"),
        ("bounces:\n  verify: [us.example, '-']\n", ":2: bounces.verify.1: the domain is malformed\n    mend: "),
        ("bounces: {exempt: [us.example]}\n", ":1: bounces.exempt.0: an address needs a domain"),
        ("- a list\n", ":1: the configuration is a mapping"),
        ("a: [1\n", ":2:1: not YAML"),
        ("a: !!python/object:os.system {}\n", "not YAML"),
    ],
)
def test_an_error_names_file_line_and_setting(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "postern.yaml"))
    assert said in str(refused.value)


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, "hostnam: a\ncouriers: 0\n", {"POSTERN_EDGES": "many"})
    lines = str(refused.value).splitlines()[::2]
    assert sorted(line.split(": ")[1] for line in lines) == ["couriers", "edges", "hostnam"]
    assert any(line.startswith("POSTERN_EDGES: edges: ") for line in lines)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "absent.yaml", {})


@given(st.binary(max_size=60))
def test_any_file_is_settings_or_a_settings_error(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(octets)
    try:
        load(file, {})
    except SettingsError:
        pass
