"""What is shipped for machines other than this one, read by the programs that will read it there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway import settings as configuration
from gateway.mailbox.dovecot import StorePorts, render
from gateway.mailbox.store import layout_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
MOST_EXPOSED = 3.0


def run(program: str, *words: str, package: str, **how: object) -> subprocess.CompletedProcess[str]:
    """Run a program, or skip the test where it is absent."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False, **how)  # type: ignore[call-overload,no-any-return]


# ------------------------------------------------------------------------------------------------ systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it stands, but for a program that exists here."""
    text = (DEPLOY / "systemd/postern.service").read_text()
    assert "ExecStart=/opt/postern/.venv/bin/postern run\n" in text
    text = text.replace("/opt/postern/.venv/bin/postern run", "/bin/true").replace("/opt/postern/README.md", "/")
    file = tmp_path / "postern.service"
    file.write_text(text)
    return file


def test_systemd_reads_the_unit(unit: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", str(unit), package="systemd")
    assert [line for line in done.stderr.splitlines() if "postern" in line] == []


def test_the_unit_exposes_little(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit), package="systemd")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= MOST_EXPOSED


def test_systemd_waits_longer_than_the_supervisor_drains() -> None:
    from gateway.supervisor.supervise import DRAIN

    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", (DEPLOY / "systemd/postern.service").read_text(), re.MULTILINE)
    compose = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    assert int(seconds) > sum(DRAIN.values())
    assert int(compose["services"]["postern"]["stop_grace_period"].removesuffix("s")) > sum(DRAIN.values())


# ------------------------------------------------------------------------------------------------ ClamAV and Dovecot


@pytest.mark.clamd
def test_clamav_knows_every_line_of_its_configuration(tmp_path: Path) -> None:
    for name in ("clamd.conf", "freshclam.conf"):
        shutil.copy(DEPLOY / "clamav" / name, tmp_path)
    done = run("clamconf", f"--config-dir={tmp_path}", package="clamav")
    said = done.stdout + done.stderr
    assert "ERROR" not in said
    assert "WARNING" not in said.split("Software settings")[0]
    assert 'LocalSocket = "/run/clamav/clamd.ctl"' in said
    assert 'DatabaseMirror = "database.clamav.net"' in said


@pytest.mark.dovecot
@pytest.mark.parametrize("host", ["127.0.0.1", "*"])
def test_dovecot_reads_what_we_write_for_it(tmp_path: Path, host: str) -> None:
    layout = layout_of(tmp_path)
    layout.folder.mkdir()
    for file in (layout.certificate, layout.key):
        file.write_text("only named here\n")
    layout.configuration.write_text(
        render(
            layout,
            StorePorts(host=host, imap=2143, imaps=2993, pop3=2110, pop3s=2995, sieve=2190),
            hostname="mx.example.org",
            quota=1_000_000,
        )
    )
    done = run("doveconf", "-c", str(layout.configuration), "-n", package="dovecot-core")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for line in ("auth_mechanisms = plain login", "ssl = required", "mail_fsync = always", "listen = " + host):
        assert line in done.stdout


# ------------------------------------------------------------------------------------------------ containers


def test_the_compose_file_is_one() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    if not tool.exists():
        pytest.skip("check-jsonschema is not installed: pip install --editable '.[dev]'")
    done = run(
        str(tool), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "container/compose.yaml"), package="python"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_compose_file_mounts_and_builds_is_there() -> None:
    folder = DEPLOY / "container"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    build = services["postern"]["build"]
    assert (folder / build["context"] / build["dockerfile"]).is_file()
    mounted = [volume.split(":")[0] for each in services.values() for volume in each.get("volumes", [])]
    assert [path for path in mounted if path.startswith(".") and not (folder / path).exists()] == []


def test_the_image_is_made_of_what_is_there() -> None:
    text = (DEPLOY / "container/Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    sources = [source for line in copied for source in line.split()[:-1]]
    assert {"gateway", "policies", "models", "pyproject.toml"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert re.search(r"^USER (?!root)", text, re.MULTILINE), "the gateway does not run as root"


def test_the_image_opens_the_doors_of_the_default() -> None:
    (exposed,) = re.findall(r"^EXPOSE (.+)$", (DEPLOY / "container/Dockerfile").read_text(), re.MULTILINE)
    listen = configuration.Listen()
    ports = {getattr(listen, name) for name in configuration.Listen.model_fields if name.endswith("_port")}
    assert set(map(int, exposed.split())) == ports


def test_the_compose_file_sets_what_can_be_set() -> None:
    services = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())["services"]
    text = (DEPLOY / "container/Dockerfile").read_text() + (DEPLOY / "systemd/postern.service").read_text()
    named = set(re.findall(r"POSTERN_[A-Z0-9_]+", text)) | set(services["postern"]["environment"])
    assert named - {"POSTERN_CONFIG"} <= configuration.ENVIRONMENT.keys()


# ------------------------------------------------------------------------------------------------ make


def test_the_settings_for_a_real_machine_are_valid() -> None:
    loaded = configuration.load(DEPLOY / "postern.yaml", {})
    assert (loaded.listen.mx_port, loaded.listen.host) == (25, "0.0.0.0")


def test_the_setup_is_a_shell_script() -> None:
    done = run("sh", "-n", str(DEPLOY / "setup"), package="dash")
    assert (done.returncode, done.stderr) == (0, "")
    wrong = run("sh", str(DEPLOY / "setup"), "everything", package="dash")
    assert wrong.returncode == 2
    assert "usage" in wrong.stderr


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "demo", "help", "clean"])
def test_make_knows_what_the_manual_promises(target: str) -> None:
    done = run("make", "--dry-run", "--always-make", target, package="make", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert target in run("make", "help", package="make", cwd=ROOT).stdout or target == "help"


def test_every_document_that_is_named_is_there() -> None:
    named = {
        (source, name)
        for folder in ("gateway", "policies", "deploy", "docs")
        for source in (ROOT / folder).rglob("*")
        if source.suffix in (".py", ".md", ".yaml", ".html") or source.name in ("Makefile", "setup")
        for name in re.findall(r"\bdocs/[a-z-]+\.md\b", source.read_text())
    }
    assert sorted({f"{source.relative_to(ROOT)}: {name}" for source, name in named if not (ROOT / name).exists()}) == []
