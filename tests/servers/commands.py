"""Clients that are programs: AWS CLI, rclone, restic, the JavaScript SDK in Node.js."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clients.aws_cli import find_aws_cli
from tests.clients.client import MissingClient
from tests.servers.boto3_script import BODY, LARGE, boto
from tests.servers.compare import comparable, digest
from tests.servers.script import Script
from tests.servers.server import REGION, ROOT
from tests.servers.stage import Side

MODULES = ROOT / "tests" / "clients" / "javascript"
_SECONDS = 120
#: Seconds and speeds, which differ at every run.
_PASSING = re.compile(rb"^(Completed|Transferred|Elapsed).*$", re.MULTILINE)


def find(program: str) -> str:
    """A program on PATH.

    Raises:
        MissingClient: it is not installed.
    """
    found = shutil.which(program)
    if found is None:
        raise MissingClient(f"{program} is not installed: `make tools` says more")
    return found


def run(
    side: Side, command: list[str], environment: Mapping[str, str], stdin: bytes = b""
) -> tuple[int, bytes, str]:
    """Run a program; its exit code, its output, and what it says besides."""
    done = subprocess.run(
        command,
        env={"PATH": os.defpath, "HOME": str(side.folder), "LC_ALL": "C.UTF-8", **environment},
        cwd=side.folder,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def stored(side: Side) -> Any:
    """What is in the bucket now, as boto3 reads it."""
    with boto(side) as s3:
        listed = s3.s3.list_objects_v2(Bucket=side.bucket).get("Contents", [])
        return {found["Key"]: s3("get_object", Key=found["Key"]) for found in listed}


def files(folder: Path) -> dict[str, str]:
    """The files of a folder."""
    return {
        str(path.relative_to(folder)): digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def samples(side: Side) -> Path:
    """A folder of files to send, the same and of the same age for every side."""
    folder = side.folder / "samples"
    contents = {"a b+ü.csv": BODY, "sub/large.bin": LARGE, "sub/empty": b"", "100%/(1)!.txt": b"1"}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def aws_cli(side: Side) -> Any:
    """`aws s3` and `aws s3api`."""
    program = find_aws_cli()
    environment = {
        "AWS_ACCESS_KEY_ID": side.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": side.key.secret_access_key,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    if side.ca is not None:
        environment["AWS_CA_BUNDLE"] = str(side.ca)
    folder, b = samples(side), side.bucket
    results: dict[str, Any] = {}

    def aws(*arguments: str, stdin: bytes = b"") -> None:
        command = [program, *arguments, "--endpoint-url", side.url, "--output", "json"]
        code, output, said = run(side, command, environment, stdin)
        text = output.decode("utf-8", "replace")
        try:
            shown: Any = json.loads(text)
        except ValueError:
            shown = text if len(text) < 2000 else digest(output)
        shown = comparable(shown, side)
        if isinstance(shown, dict):
            shown.pop("LastModified", None)
        else:  # `aws s3 ls` shows times
            shown = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", str(shown))
        step = " ".join(arguments).replace(b, "<bucket>").replace(str(side.folder), ".")
        said = comparable(said, side).replace(str(side.folder), ".")
        results[step] = {"shown": shown, "said": said, **_failure(code)}

    quiet = "--only-show-errors"
    aws("s3", "cp", "--recursive", quiet, str(folder), f"s3://{b}/up/")
    aws("s3", "cp", quiet, "-", f"s3://{b}/from stdin", stdin=LARGE)
    aws("s3", "cp", quiet, f"s3://{b}/up/sub/large.bin", f"s3://{b}/copied.bin")
    aws("s3", "sync", quiet, f"s3://{b}/up/", "down")
    results["files"] = files(side.folder / "down")
    aws("s3", "ls", "--recursive", f"s3://{b}/up/")
    aws("s3api", "get-object", "--bucket", b, "--key", "no such", "out")
    results["stored"] = stored(side)
    aws("s3", "rm", "--recursive", quiet, f"s3://{b}/")
    results["left"] = stored(side)
    return results


def rclone(side: Side) -> Any:
    """Copy up and down, a stream, a listing, a check, a server-side copy, a deletion."""
    program = find("rclone")
    environment = {
        "RCLONE_CONFIG_X_TYPE": "s3",
        "RCLONE_CONFIG_X_PROVIDER": "Other",
        "RCLONE_CONFIG_X_ENDPOINT": side.url,
        "RCLONE_CONFIG_X_REGION": REGION,
        "RCLONE_CONFIG_X_ACCESS_KEY_ID": side.key.access_key_id,
        "RCLONE_CONFIG_X_SECRET_ACCESS_KEY": side.key.secret_access_key,
        "RCLONE_LOW_LEVEL_RETRIES": "1",
        "RCLONE_RETRIES": "1",
        "RCLONE_S3_UPLOAD_CUTOFF": "8Mi",
    }
    if side.ca is not None:
        environment["RCLONE_CA_CERT"] = str(side.ca)
    folder, remote = str(samples(side)), f"x:{side.bucket}"
    results: dict[str, Any] = {}
    steps = {
        "up": ["copy", folder, f"{remote}/up"],
        "stream": ["rcat", f"{remote}/from stdin"],
        "copy": ["copyto", f"{remote}/up/a b+ü.csv", f"{remote}/copied"],
        "list": ["lsf", "-R", "--format", "ps", remote],
        "down": ["copy", f"{remote}/up", "down"],
        "check": ["check", "--download", folder, f"{remote}/up"],
        "none": ["cat", "--error-on-no-transfer", f"{remote}/no such"],
        "delete": ["delete", f"{remote}/up/sub"],
    }
    for name, arguments in steps.items():
        code, output, said = run(side, [program, *arguments], environment, BODY)
        shown = comparable(output.decode("utf-8", "replace"), side)
        results[name] = {"shown": shown, "errors": said.count("ERROR"), **_failure(code)}
    return results | {"files": files(side.folder / "down"), "stored": stored(side)}


def restic(side: Side) -> Any:
    """A repository: over plain text every write is in signed chunks."""
    program = find("restic")
    environment = {
        "AWS_ACCESS_KEY_ID": side.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": side.key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "RESTIC_PASSWORD": "password",
        "RESTIC_REPOSITORY": f"s3:{side.url}/{side.bucket}/repo",
        "RESTIC_CACHE_DIR": str(side.folder / "cache"),
    }
    trusting = [] if side.ca is None else ["--cacert", str(side.ca)]
    samples(side)
    results: dict[str, Any] = {}
    steps = {
        "init": ["init"],
        "backup": ["backup", "--quiet", "samples"],
        "check": ["check", "--quiet", "--read-data"],
        "restore": ["restore", "latest", "--target", "down"],
        "forget": ["forget", "--quiet", "--keep-last", "1", "--prune"],
        "again": ["init"],
    }
    for name, arguments in steps.items():
        code, _, said = run(side, [program, *trusting, *arguments], environment)
        results[name] = {"fatal": said.count("Fatal"), **_failure(code)}
    # where it cuts, and so the number, the names and the sizes of its objects, is random
    kinds = sorted({key.split("/")[1] for key in stored(side)})
    return results | {"files": files(side.folder / "down"), "stored": kinds}


def javascript(side: Side) -> Any:
    """`operations.mjs`, in one process."""
    program = find("node")
    if not (MODULES / "node_modules" / "@aws-sdk" / "lib-storage").is_dir():
        raise MissingClient("@aws-sdk/lib-storage is not installed: run `make tools`")
    environment = {
        "AWS_ACCESS_KEY_ID": side.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": side.key.secret_access_key,
        "MODULES": str(MODULES),
    }
    if side.ca is not None:
        environment["NODE_EXTRA_CA_CERTS"] = str(side.ca)
    (side.folder / "large").write_bytes(LARGE)
    order = {"endpoint": side.url, "region": REGION, "bucket": side.bucket, "file": "large"}
    command = [program, str(Path(__file__).parent / "operations.mjs")]
    code, output, said = run(side, command, environment, json.dumps(order).encode())
    assert code == 0, said
    return [comparable(json.loads(output), side), stored(side)]


def _failure(code: int) -> dict[str, str]:
    return {} if code == 0 else {"error": f"exit-{code}"}


PROGRAMS = {
    "aws-cli": Script(aws_cli, ("exit-254",)),
    "rclone": Script(rclone, ("exit-9",)),
    "restic": Script(restic, ("exit-1",)),
    "javascript": Script(javascript, ("Unknown", "PreconditionFailed", "NoSuchKey")),
}
