"""The commands, run as their users run them: in a process of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

COMMAND = [str(Path(sys.executable).with_name("genesys-dagster"))]
NEEDED = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")


@pytest.fixture
def empty_environment(tmp_path):
    """A machine without configuration: an empty home, an empty project folder, no variables."""
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    return {name: os.environ[name] for name in NEEDED if name in os.environ} | {
        "HOME": str(tmp_path / "home")
    }


def run(*arguments, cwd, env):
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def _commands():
    command = [sys.executable, "-m", "genesys_dagster_tests.commands"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


@pytest.fixture
def doctor(_commands, tmp_path):
    """Runs the doctor on exactly these variables, in a process that need not import everything once more."""

    def doctor(env):
        files = {name: str(tmp_path / name) for name in ("stdout", "stderr")}
        asked = {"arguments": ["doctor"], "env": env, "cwd": str(tmp_path), **files}
        _commands.stdin.write(json.dumps(asked) + "\n")
        _commands.stdin.flush()
        status = int(_commands.stdout.readline())
        said = {name: Path(path).read_text() for name, path in files.items()}
        return subprocess.CompletedProcess("genesys-dagster doctor", status, **said)

    return doctor


def files_below(folder):
    return sorted(path.relative_to(folder).parts[0] for path in folder.iterdir())


@pytest.mark.slow
def test_the_demo_writes_every_day_prints_what_and_leaves_nothing_outside(tmp_path, empty_environment):
    project = tmp_path / "project"
    for _ in range(2):  # a second run finds what the first left
        done = run(
            "demo",
            "--no-ui",
            "--conversations-per-day",
            "40",
            "--days",
            "1",
            cwd=project,
            env=empty_environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        pattern = (
            r"s3://genesys-lake/genesys/conversation_details/date=\d{4}-\d\d-\d\d/data.parquet +[1-9]\d* rows"
        )
        assert len(re.findall(pattern, done.stdout)) == 1
        assert "contact_center_report/report.html" in done.stdout
        assert "--days 13" in done.stdout  # how to get a week
        assert re.search(r"All [\d,]+ conversations of the org are in the lake", done.stdout)
        kept = project / ".demo" / "lake" / "genesys"
        assert len(list(kept.glob("queue_performance/*/data.parquet"))) == 1
        assert b"<html" in (kept / "contact_center_report" / "report.html").read_bytes()
    assert files_below(project) == [".demo"]
    assert files_below(tmp_path / "home") == []


@pytest.mark.slow
def test_the_demo_serves_the_ui_until_it_is_interrupted(tmp_path, empty_environment, free_port):
    arguments = ["demo", "--conversations-per-day", "20", "--days", "1", "--port", str(free_port)]
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path / "project",
        env=empty_environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        shown = ""
        for line in process.stdout:
            shown += line
            if "Ctrl-C" in line:
                break
        assert f"http://127.0.0.1:{free_port}/assets/conversation_details" in shown
        report = re.search(r"Report +(http://127.0.0.1:\S+)", shown)[1]
        with urllib.request.urlopen(report, timeout=30) as answer:
            assert b"<html" in answer.read()
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/server_info", timeout=30) as answer:
            assert answer.status == 200
        asked = urllib.request.Request(  # the name by which workspace.yaml calls the code location, too
            f"http://127.0.0.1:{free_port}/graphql",
            b'{"query": "{workspaceOrError {... on Workspace {locationEntries {name}}}}"}',
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert b'[{"name": "genesys_dagster"}]' in answer.read().replace(b'":"', b'": "')
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{free_port}/server_info", timeout=5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shown", "seconds"), [("Exporting", 4), ("conversation_details/", 0), ("late_activity/", 1)]
)
def test_ctrl_c_during_the_export_stops_the_demo_within_seconds(tmp_path, empty_environment, shown, seconds):
    process = subprocess.Popen(
        [*COMMAND, "demo", "--no-ui", "--conversations-per-day", "40", "--days", "30"],
        cwd=tmp_path / "project",
        env=empty_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    next(line for line in process.stdout if shown in line)
    time.sleep(seconds)  # of the export: wherever the interrupt meets it
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=40)
    assert (process.returncode, complaints) == (130, "")
    assert rest.endswith("\nStopped.\n")
    assert "Something is wrong" not in rest


def test_a_port_in_use_is_said_before_anything_starts(tmp_path, empty_environment, taken_port):
    done = run("demo", "--port", str(taken_port), cwd=tmp_path / "project", env=empty_environment)
    assert done.returncode == 1
    assert f"Port {taken_port} is in use" in done.stderr
    assert files_below(tmp_path / "project") == []


@pytest.fixture
def configured(empty_environment, sandbox, lake, tmp_path):
    shutil.copy(Path(__file__).parents[1] / "dagster.yaml", tmp_path)
    ours = {"GENESYS_S3_BUCKET": lake.bucket, "DAGSTER_HOME": str(tmp_path)}
    return empty_environment | sandbox.env() | lake.variables | ours


def verdicts(done):
    return dict(reversed(line.split()[:2]) for line in done.stdout.splitlines())


def test_the_doctor_finds_a_complete_configuration_healthy(tmp_path, configured, lake):
    done = run("doctor", cwd=tmp_path, env=configured)
    verdict = verdicts(done)
    assert verdict.pop("store") == "warn"  # moto ignores the condition of CompleteMultipartUpload
    assert set(verdict.values()) == {"ok"}, done.stdout + done.stderr
    assert done.returncode == 0
    assert lake.keys() == lake.uploads() == []


def test_the_doctor_reads_the_env_file(doctor, tmp_path, configured, empty_environment):
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in configured.items()))
    assert doctor(empty_environment).returncode == 0


def test_the_doctor_names_missing_variables_and_skips_what_needs_them(doctor, empty_environment):
    done = doctor(empty_environment)
    assert done.returncode == 1
    for variable in ("GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYS_S3_BUCKET"):
        assert variable in done.stdout
    assert verdicts(done)["bucket"] == verdicts(done)["login"] == "skip"


@pytest.mark.parametrize(
    ("variable", "value", "check", "remedy"),
    [
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "wrong", "login", "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("GENESYS_S3_BUCKET", "no-such-bucket", "bucket", "no-such-bucket"),
        ("GENESYS_TIMEZONE", "Mars/Olympus", "partitions", "GENESYS_TIMEZONE"),
        ("GENESYSCLOUD_API_URL", "not a url", "variables", "GENESYSCLOUD_API_URL"),
        ("GENESYS_AUTOMATION", "yes", "definitions", "GENESYS_AUTOMATION='yes'"),
        ("GENESYS_DEADLINE", "6", "definitions", "GENESYS_DEADLINE='6'"),
        ("GENESYS_DAYS_PER_RUN", "0", "definitions", "GENESYS_DAYS_PER_RUN='0'"),
        ("GENESYS_PARTITIONS_START", "01.01.2026", "partitions", "YYYY-MM-DD"),
        ("GENESYS_S3_BUCKET", "s3://lake", "variables", "write the name alone, lake"),
        ("GENESYS_S3_PREFIX", "s3://lake/genesys", "variables", "GENESYS_S3_PREFIX"),
        ("GENESYS_RATE_LIMIT_STORE", "redis:hidden", "definitions", "GENESYS_RATE_LIMIT_STORE is not"),
        ("DAGSTER_HOME", "/no/such/folder", "instance", "DAGSTER_HOME=/no/such/folder"),
        ("TMPDIR", "/no/such/folder", "scratch", "TMPDIR=/no/such/folder"),
        ("AWS_PROFILE", "nobody", "bucket", "set AWS_PROFILE"),
        ("AWS_ENDPOINT_URL_S3", "http://me:hidden@127.0.0.1:1", "bucket", "AWS_ENDPOINT_URL_S3"),
    ],
)
def test_the_doctor_says_what_is_wrong_and_what_to_do(doctor, configured, variable, value, check, remedy):
    done = doctor(configured | {variable: value})
    assert verdicts(done)[check] == "FAIL", done.stdout + done.stderr
    assert remedy in done.stdout
    assert done.returncode == 1
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    assert "hidden" not in done.stdout


def test_the_doctor_warns_of_what_the_instance_lacks(doctor, configured, tmp_path):
    (tmp_path / "dagster.yaml").write_text("run_retries: {enabled: true}")
    done = doctor(configured)
    assert done.returncode == 0
    assert (
        len(
            re.findall(r"^warn +instance +.*dagster.yaml: [a-z_.]+: .* Set it to ", done.stdout, re.MULTILINE)
        )
        == 6
    )
    without = {name: value for name, value in configured.items() if name != "DAGSTER_HOME"}
    assert re.search(r"^warn +instance +DAGSTER_HOME is not set", doctor(without).stdout, re.MULTILINE)


def test_the_doctor_names_the_missing_permission(doctor, configured, sandbox):
    sandbox.settings.permissions = {"routing:queue:view"}
    done = doctor(configured)
    assert verdicts(done)["login"] == "ok"
    assert verdicts(done)["permission"] == "FAIL"
    assert "analytics:conversationDetail:view" in done.stdout


def test_the_doctor_warns_of_what_is_lost_without_each_optional_permission(doctor, configured, sandbox):
    sandbox.settings.permissions = {"analytics:conversationDetail:view"}
    done = doctor(configured)
    assert done.returncode == 0
    assert re.search(
        r"warn +optional +analytics:conversationAggregate:view is missing: days are not rec", done.stdout
    )
    assert re.search(r"warn +optional +routing:queue:view is missing: queues have no names", done.stdout)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[profile p]\ncredential_process = /no/such/program", "/no/such/program cannot be read"),
        ("[profile p]\ncredential_process = false", "could not be obtained or renewed"),
        (
            "[profile p]\nrole_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = /no/such/token",
            "/no/such/token",
        ),
        ("[profile p]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = q", "profile"),
        ("[profile p", "config"),
    ],
)
def test_the_doctor_says_in_a_line_what_is_wrong_with_the_settings_of_aws(
    doctor, configured, settings, words, tmp_path
):
    (tmp_path / "config").write_text(settings)
    without = {
        name: value
        for name, value in configured.items()
        if "AWS_ACCESS" not in name and "AWS_SEC" not in name
    }
    env = without | {"AWS_PROFILE": "p", "AWS_CONFIG_FILE": str(tmp_path / "config")}
    done = doctor(env)
    assert verdicts(done)["bucket"] == "FAIL"
    (line,) = [line for line in done.stdout.splitlines() if line.split()[1:2] == ["bucket"]]
    assert words in line
    assert done.stderr == ""


def test_the_sandbox_calls_itself_as_it_was_called(tmp_path, empty_environment):
    for arguments in (["--help"], ["--no-such-option"]):
        done = run("sandbox", *arguments, cwd=tmp_path, env=empty_environment)
        assert "usage: genesys-dagster sandbox" in done.stdout + done.stderr
