"""Install what the tests use beside Python packages: S3 clients and an S3 server, opa.

    python3 scripts/tools.py            # what is there already is left alone
    python3 scripts/tools.py --bench    # only what tests/benchmark needs

Needs the standard library only. What cannot be had is named with the reason. That is a failure
where CI is "true", and else no more than a note: the tests that want the tool are then skipped. The
benchmark never fails here: it names the peers that it could not measure.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".tools" / "bin"
CLIENTS = ROOT / "tests" / "clients"
JAVASCRIPT = CLIENTS / "javascript"
#: For recipes of docs/clients.md: the newest of its kind, apart from the gateway's own botocore.
AWS_CLI_1_VERSION = "1.46.2"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
OPA_VERSION = "1.22.0"
OPA_MODULE = f"github.com/open-policy-agent/opa@v{OPA_VERSION}"
VERSITYGW_VERSION = "1.8.0"
VERSITYGW_MODULE = f"github.com/versity/versitygw/cmd/versitygw@v{VERSITYGW_VERSION}"
KUSTOMIZE_VERSION = "5.8.1"
KUSTOMIZE_MODULE = f"sigs.k8s.io/kustomize/kustomize/v5@v{KUSTOMIZE_VERSION}"
#: Its tags are no versions that Go knows (v1.10), so that there is none to pin.
SIGV4_PROXY_MODULE = "github.com/awslabs/aws-sigv4-proxy@latest"
NODE_MAJOR = 20
#: Seconds. Compiling opa takes about two minutes on two cores, ten on a busy machine.
PATIENCE = 900


class MissingError(Exception):
    """A tool cannot be had; the text says why, and what would help."""


@dataclass(frozen=True)
class Found:
    """A tool that is there."""

    version: str
    where: str


def opa() -> Found:
    """The Open Policy Agent: the version whose output is the shipped bundle."""
    for candidate in (*every("opa"), BIN / "opa"):
        if opa_version(candidate) == OPA_VERSION:
            return Found(OPA_VERSION, str(candidate))
    go = shutil.which("go")
    if go is None:
        raise MissingError(
            f"needs Go, or opa {OPA_VERSION} on PATH: https://www.openpolicyagent.org/docs"
        )
    BIN.mkdir(parents=True, exist_ok=True)
    run([go, "install", OPA_MODULE], environment={"GOBIN": str(BIN)})
    if opa_version(BIN / "opa") != OPA_VERSION:
        raise MissingError(f"go install {OPA_MODULE} left no working binary")
    return Found(OPA_VERSION, str(BIN / "opa"))


def opa_version(binary: Path) -> str:
    """The version that a binary claims; empty where there is none."""
    match = re.search(r"^Version: (\S+)", said([str(binary), "version"]), re.MULTILINE)
    return match[1] if match else ""


def kustomize() -> Found:
    """The kustomize command: what `kubectl kustomize` is made of, without the rest."""
    go, binary = shutil.which("go"), BIN / "kustomize"
    if go is None:
        raise MissingError(f"needs Go, to compile {KUSTOMIZE_MODULE}")
    if go_version(go, binary, "sigs.k8s.io/kustomize/kustomize/v5") != KUSTOMIZE_VERSION:
        BIN.mkdir(parents=True, exist_ok=True)
        run([go, "install", KUSTOMIZE_MODULE], environment={"GOBIN": str(BIN)})
    return Found(KUSTOMIZE_VERSION, str(binary))


def promtool() -> Found:
    """The promtool command, of the package prometheus. Its service is not wanted."""
    return daemon("promtool", "prometheus", r"promtool, version ([\d.]+)", says="--version")


def bubblewrap() -> Found:
    """The bwrap command: containers without a container engine."""
    if shutil.which("bwrap") is None:
        apt_install("bubblewrap")
    return Found(version_of(["bwrap", "--version"], r"bubblewrap ([\d.]+)"), "bwrap")


def libfiu() -> Found:
    """The fiu-ctrl command, and the libraries by which calls of a process fail when told to."""
    if shutil.which("fiu-ctrl") is None:
        apt_install("fiu-utils")
    path = shutil.which("fiu-ctrl")
    if path is None:
        raise MissingError("the system's package fiu-utils has no fiu-ctrl")
    match = re.search(r"^Version: (\S+)", said(["dpkg", "-s", "fiu-utils"]), re.MULTILINE)
    return Found(match[1] if match else "?", path)


def versitygw() -> Found:
    """Versity's S3 gateway: a real S3 server to put behind this one."""
    go, binary = shutil.which("go"), BIN / "versitygw"
    if go is None:
        raise MissingError(f"needs Go, to compile {VERSITYGW_MODULE}")
    if go_version(go, binary, "github.com/versity/versitygw") != VERSITYGW_VERSION:
        BIN.mkdir(parents=True, exist_ok=True)
        run([go, "install", VERSITYGW_MODULE], environment={"GOBIN": str(BIN)})
    if go_version(go, binary, "github.com/versity/versitygw") != VERSITYGW_VERSION:
        raise MissingError(f"go install {VERSITYGW_MODULE} left no working binary")
    return Found(VERSITYGW_VERSION, str(binary))


def go_version(go: str, binary: Path, module: str) -> str:
    """The version that a binary was built from: of itself it may say "git". Empty without one."""
    built = said([go, "version", "-m", str(binary)])
    match = re.search(rf"^\s*mod\s+{re.escape(module)}\s+v(\S+)", built, re.MULTILINE)
    return match[1] if match else ""


def rclone() -> Found:
    """The rclone command."""
    return packaged("rclone", ["rclone", "version"], r"rclone v(\S+)")


def restic() -> Found:
    """The restic command: the only client here that signs its chunks."""
    return packaged("restic", ["restic", "version"], r"restic (\S+)")


def packaged(name: str, asks: Sequence[str], pattern: str) -> Found:
    """A command of the system's package of the same name, whatever its version."""
    if shutil.which(name) is None:
        apt_install(name)
    match = re.match(pattern, said(asks))
    if match is None:
        raise MissingError(f"{name} does not say its version")
    return Found(match[1], shutil.which(name) or name)


def chromium() -> Found:
    """The chromium command: the admin page's tests drive it."""
    return packaged("chromium", ["chromium", "--version"], r"Chromium (\S+)")


def aws_cli() -> Found:
    """The AWS CLI, version 2: a version 1 may stand before it on PATH."""
    found = find_aws_cli()
    if found is None:
        apt_install("awscli")
        found = find_aws_cli()
    if found is None:
        raise MissingError("the system's package awscli is not version 2")
    return found


def find_aws_cli() -> Found | None:
    """Look through PATH and the place where Debian puts it."""
    for candidate in (*every("aws"), Path("/usr/bin/aws")):
        match = re.match(r"aws-cli/(2\.\S+)", said([str(candidate), "--version"]))
        if match:
            return Found(match[1], str(candidate))
    return None


def aws_cli_1() -> Found:
    """The AWS CLI, version 1, which pins another botocore: in an environment of its own."""
    folder = ROOT / ".tools" / "awscli1"
    program = folder / "bin" / "aws"
    if f"aws-cli/{AWS_CLI_1_VERSION} " not in said([str(program), "--version"]):
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", f"awscli=={AWS_CLI_1_VERSION}"])
    return Found(AWS_CLI_1_VERSION, str(program))


def go_sdk() -> Found:
    """The AWS SDK for Go, compiled once: a minute on two cores, nothing from then on."""
    go = shutil.which("go")
    if go is None:
        raise MissingError("needs Go: https://go.dev/dl")
    modules = CLIENTS / "go"
    sdk = "github.com/aws/aws-sdk-go-v2"
    run([go, "build", f"{sdk}/config", f"{sdk}/service/s3"], directory=modules)
    match = re.search(rf"{sdk}/service/s3 v(\S+)", (modules / "go.mod").read_text())
    return Found(match[1] if match else "?", str(modules.relative_to(ROOT)))


def java_sdk() -> Found:
    """The AWS SDK for Java, from Maven Central."""
    for program, package in (("java", "default-jdk-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            apt_install(package)
    wanted, folder = CLIENTS / "java" / "pom.xml", ROOT / ".tools" / "java"
    installed = folder / wanted.name  # it comes last: a folder that holds it is whole
    if not installed.exists() or installed.read_text() != wanted.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        maven = [shutil.which("mvn") or "mvn", "--batch-mode", "--quiet", "--file", str(wanted)]
        run([*maven, MAVEN_COPY, f"-DoutputDirectory={folder}", "-DincludeScope=runtime"])
        shutil.copyfile(wanted, installed)
    match = re.search(r"<version>(2\.[\d.]+)</version>", wanted.read_text())
    return Found(match[1] if match else "?", str(folder))


def curl() -> Found:
    """The curl command, recent enough for --aws-sigv4 and --fail-with-body."""
    if shutil.which("curl") is None:
        apt_install("curl")
    for candidate in every("curl"):
        match = re.match(r"curl (\d+)\.(\d+)(\S*)", said([str(candidate), "--version"]))
        if match and (int(match[1]), int(match[2])) >= (7, 76):
            return Found("".join((match[1], ".", match[2], match[3])), str(candidate))
    raise MissingError("needs curl 7.76 or newer")


def javascript_sdk() -> Found:
    """The AWS SDK for JavaScript, at the versions of the lock file."""
    installed = JAVASCRIPT / "node_modules" / ".package-lock.json"
    node, npm = shutil.which("node"), shutil.which("npm")
    match = re.match(r"v(\d+)", said(["node", "--version"])) if node else None
    if npm is None or match is None or int(match[1]) < NODE_MAJOR:
        raise MissingError(f"needs Node.js {NODE_MAJOR} or newer, with npm: https://nodejs.org")
    lock = JAVASCRIPT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run([npm, "ci", "--no-audit", "--no-fund"], directory=JAVASCRIPT)
        installed.touch()
    text = (JAVASCRIPT / "node_modules/@aws-sdk/client-s3/package.json").read_text()
    version = re.search(r'"version": "([^"]+)"', text)
    return Found(version[1] if version else "?", str(JAVASCRIPT.relative_to(ROOT)))


def nginx() -> Found:
    """The nginx command: the benchmark's stub of S3, and a peer. Its service is not wanted."""
    return daemon("nginx", "nginx-light", r"nginx/([\d.]+)")


def haproxy() -> Found:
    """The haproxy command. Its service is not wanted."""
    return daemon("haproxy", "haproxy", r"version ([\d.]+)")


def daemon(name: str, package: str, pattern: str, says: str = "-v") -> Found:
    """A command of a package that would also run it as a service of the system."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        with services_left_alone():
            apt_install(package)
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        systemctl = shutil.which("systemctl")
        if systemctl is not None:  # it would start with the machine otherwise
            for unit in (name, package):  # whichever of the two it is called
                said([systemctl, "disable", "--quiet", unit])
    return Found(version_of([path or name, says], pattern), path or name)


@contextmanager
def services_left_alone() -> Iterator[None]:
    """Keep packages from starting what they bring: 101 is "forbidden" to invoke-rc.d(8)."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists() or not os.access(policy.parent, os.W_OK):
        yield  # somebody has decided already, or there is nothing to install as
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def postgresql() -> Found:
    """PostgreSQL's server: the tests run their own. Its service is not wanted."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and shutil.which("initdb") is None:
        with services_left_alone():
            apt_install("postgresql")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        systemctl = shutil.which("systemctl")
        if systemctl is not None:  # it would start with the machine otherwise
            said([systemctl, "disable", "--quiet", "postgresql"])
    initdb = str(found[-1]) if found else shutil.which("initdb") or "initdb"
    return Found(version_of([initdb, "--version"], r"(\d+\.\d+)"), initdb)


def wrk() -> Found:
    """The wrk command: the benchmark's load."""
    if shutil.which("wrk") is None:
        apt_install("wrk")
    return Found(version_of(["wrk", "-v"], r"wrk \D*([\d.]+)"), shutil.which("wrk") or "wrk")


def version_of(asks: Sequence[str], pattern: str) -> str:
    """What a program says of itself on either stream, whatever it exits with."""
    done = subprocess.run(
        asks, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    match = re.search(pattern, done.stdout + done.stderr)
    if match is None:
        raise MissingError(f"{asks[0]} does not say its version")
    return match[1]


def sigv4_proxy() -> Found:
    """AWS's signing proxy: built in a copy, as its go.mod names it other than its repository."""
    go, binary = shutil.which("go"), BIN / "aws-sigv4-proxy"
    if go is None:
        raise MissingError(f"needs Go, to compile {SIGV4_PROXY_MODULE}")
    if not said([go, "version", str(binary)]):
        BIN.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / "copy"
            # not copy2: what Go has downloaded is read-only
            shutil.copytree(downloaded(go), copy, copy_function=shutil.copyfile)
            run([go, "build", "-o", str(binary), "./cmd/aws-sigv4-proxy"], directory=copy)
    return Found("latest", str(binary))


def downloaded(go: str) -> Path:
    """The source of aws-sigv4-proxy, from the Go module proxy; its checksum is Go's business."""
    done = subprocess.run(
        [go, "mod", "download", "-json", SIGV4_PROXY_MODULE],
        cwd=tempfile.gettempdir(),  # in no module of its own
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    module = json.loads(done.stdout or "{}")
    if "Dir" not in module:
        raise MissingError(module.get("Error") or done.stderr or "go mod download says nothing")
    return Path(module["Dir"])


TOOLS: Mapping[str, Callable[[], Found]] = {
    "opa": opa,
    "AWS CLI": aws_cli,
    "AWS CLI v1": aws_cli_1,
    "curl": curl,
    "AWS SDK for JavaScript": javascript_sdk,
    "AWS SDK for Go": go_sdk,
    "AWS SDK for Java": java_sdk,
    "versitygw": versitygw,
    "rclone": rclone,
    "restic": restic,
    "PostgreSQL": postgresql,
    "chromium": chromium,
    "bubblewrap": bubblewrap,
    "libfiu": libfiu,
    "kustomize": kustomize,
    "promtool": promtool,
}
#: What `make bench` needs, and nothing else; Envoy comes with the Python packages.
BENCH: Mapping[str, Callable[[], Found]] = {
    "nginx": nginx,
    "HAProxy": haproxy,
    "wrk": wrk,
    "aws-sigv4-proxy": sigv4_proxy,
}


def every(name: str) -> Iterator[Path]:
    """All programs of a name on PATH, in its order: shims may stand before the real one."""
    for folder in os.get_exec_path():
        path = shutil.which(name, path=folder)
        if path is not None:
            yield Path(path)


def said(command: Sequence[str]) -> str:
    """The output of a command; empty where it does not work."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout


def apt_install(package: str) -> None:
    """Install a package of the system, which only root may do."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise MissingError(f"install {package} with your system's packages (apt-get needs root)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = [apt, "install", "--yes", "--quiet", "--no-install-recommends", package]
    try:
        run(install, environment=quiet)
    except MissingError:  # the lists of packages are old, or not there at all
        run([apt, "update", "--quiet"], environment=quiet)
        run(install, environment=quiet)


def run(
    command: Sequence[str],
    *,
    directory: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command; its output is shown only where it fails."""
    print(f"  {' '.join(command)}", flush=True)
    try:
        subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **(environment or {})},  # noqa: TID251 - a script, not the gateway
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    except subprocess.CalledProcessError as fault:
        last = "\n".join(fault.stdout.strip().splitlines()[-15:])
        raise MissingError(f"{' '.join(command)} failed:\n{last}") from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise MissingError(f"{' '.join(command)}: {fault}") from fault


def main() -> int:
    """Install all; 1 where something is missing and CI is "true"."""
    rows, faults = [("tool", "version", "where", "")], []
    bench = "--bench" in sys.argv[1:]
    for name, install in (BENCH if bench else TOOLS).items():
        print(f"{name} ...", flush=True)
        try:
            found = install()
        except MissingError as fault:
            faults.append(f"{name}: {fault}")
            rows.append((name, "-", "-", "missing"))
        else:
            rows.append((name, found.version, found.where, "ok"))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    for words in faults:
        print(f"\n{words}", file=sys.stderr)
    strict = os.environ.get("CI") == "true" and not bench  # noqa: TID251
    if faults and not strict:
        skipped = "not be measured" if bench else "be skipped"
        print(f"\nWhat needs the missing will {skipped}.")
    return 1 if faults and strict else 0


if __name__ == "__main__":
    sys.exit(main())
