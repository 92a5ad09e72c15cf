"""A machine that nobody has used, and the README's words for whoever tries the demo, as they stand there.

`python -m genesys_dagster_tests.fresh_machine` (`make fresh-machine`) makes a bare Debian by debootstrap (as root), or else an
empty user account; installs the packages that the README names; runs its commands on what is committed; asks the UI, and
presses Ctrl-C. Only the standard library is used, as this runs where nothing is installed. Of this machine the new one has
the network, the package sources, and the certificates and settings of pip, if it has any.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SECTION = re.search(
    r"^## Try it without an account\n(.*?)^## ",
    (_ROOT / "README.md").read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)[1]
PACKAGES = re.search(r"`apt-get install ([^`]+)`", _SECTION)[1].split()
COMMANDS = re.findall(r"^\$ (.+)$", _SECTION, re.MULTILINE)
URL = "<url>"
"""What stands in the README for the repository's address."""

PROVEN = re.compile(
    r"^All [\d,]+ conversations of the org are in the lake and \d+ checks passed, in \d+ s\.$"
)
SERVED = "press Ctrl-C to stop everything"
_OF_THE_MACHINE = ("/etc/ssl/certs", "/usr/local/share/ca-certificates", "/etc/pip.conf", "/etc/xdg/pip")

Machine = Callable[[str], list[str]]
"""The command that runs a line of shell as its user, in an empty home."""


@contextmanager
def bare_debian(folder: Path) -> Iterator[Machine]:
    """A Debian of what is indispensable, in namespaces of its own: nothing of it outlives its command."""
    targets = _run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages")
    site, release = min(targets.split("\n"), key=len).split()
    root, bundle = folder / "root", _bundle(folder)
    _run("debootstrap", "--variant=minbase", release, str(root), site)
    for name in ("apt", "resolv.conf", "hosts"):
        _copy(Path("/etc") / name, root)

    def inside(user: str, line: str) -> list[str]:
        mounts = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; chroot --userspec="$2" "$1" $4 sh -c "$3"'
        return [
            "unshare", "--mount", "--pid", "--fork", "--kill-child",
            "sh", "-c", mounts, "sh", str(root), user, line, _environment("/home/somebody"),
        ]  # fmt: skip

    _run(*inside("root", f"apt-get update && apt-get install -y {' '.join(PACKAGES)} && useradd -m somebody"))
    for path in _of_the_machine():
        _copy(path, root)
    shutil.copy(bundle, root / "srv" / bundle.name)
    yield lambda line: inside("somebody", f"cd && {line.replace(URL, f'/srv/{bundle.name}')}")


@contextmanager
def empty_account(folder: Path) -> Iterator[Machine]:
    """A home without anything, and no variable of whoever runs this; programs are this machine's."""
    home, bundle = folder / "home", _bundle(folder)
    home.mkdir()
    python = Path(shutil.which("python3") or sys.executable).parent
    environment = _environment(str(home), f"{python}:{os.defpath}").split()
    yield lambda line: [*environment, "sh", "-c", f"cd && {line.replace(URL, str(bundle))}"]


def try_out(machine: Machine, port: int) -> bool:
    """Run the commands until the demo says that it is served; ask the UI; press Ctrl-C.

    Args:
        machine: Where.
        port: Of the UI.

    Returns:
        Whether all of it went as the README says.
    """
    commands = [*COMMANDS[:-1], COMMANDS[-1] + ("" if port == 3000 else f" ARGS=--port={port}")]
    print("\n".join(f"$ {command}" for command in commands), flush=True)
    began, is_proven, is_served = time.monotonic(), False, False
    with subprocess.Popen(
        machine(" && ".join(commands)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            for said in process.stdout:
                print(f"{time.monotonic() - began:5.0f} s  {said}", end="", flush=True)
                is_proven |= bool(PROVEN.match(said.strip()))
                if SERVED in said:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=60) as answer:
                        is_served = answer.status == 200
                    os.killpg(process.pid, signal.SIGINT)
            status = process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    # `make` ends by the signal that it got, whatever its command says.
    has_ended = status in {0, 128 + signal.SIGINT, -signal.SIGINT}
    print(f"{time.monotonic() - began:.0f} s; proven: {is_proven}, UI answered: {is_served}, status {status}")
    return is_proven and is_served and has_ended


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m genesys_dagster_tests.fresh_machine", description=__doc__
    )
    parser.add_argument("--port", type=int, default=3000, help="of the UI, if 3000 is taken")
    parser.add_argument(
        "--account", action="store_true", help="an empty account, also where a Debian could be made"
    )
    asked = parser.parse_args(arguments)
    can_make = os.geteuid() == 0 and shutil.which("debootstrap") and not asked.account
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fresh-machine-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (bare_debian if can_make else empty_account)(folder) as machine:
            kind = f"a bare Debian with {' '.join(PACKAGES)}" if can_make else "an empty account"
            print(f"{kind}, made in {time.monotonic() - began:.0f} s", flush=True)
            return 0 if try_out(machine, asked.port) else 1


def _bundle(folder: Path) -> Path:
    """What is committed, as one file that can be cloned."""
    target = folder / "genesys_dagster.bundle"
    _run("git", "-C", str(_ROOT), "bundle", "create", str(target), "HEAD")
    return target


def _environment(home: str, path: str = "/usr/sbin:/usr/bin:/sbin:/bin") -> str:
    return f"env -i HOME={home} PATH={path} LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive"


def _of_the_machine() -> Iterator[Path]:
    """Certificates, pip's settings, and what these name."""
    for path in filter(Path.exists, map(Path, _OF_THE_MACHINE)):
        yield path
        if path.name in {"pip.conf", "pip"}:
            files = [path] if path.is_file() else path.rglob("*")
            for text in (file.read_text() for file in files if file.is_file()):
                yield from (
                    Path(named) for named in re.findall(r"(?<![\w:/])/[\w./-]+", text) if Path(named).exists()
                )


def _copy(path: Path, root: Path) -> None:
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():  # links are followed, as what they lead to is not there; none is written through
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(path, target, ignore_dangling_symlinks=True)
    else:
        target.unlink(missing_ok=True)
        shutil.copy(path, target)


def _run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
