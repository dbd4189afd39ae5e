"""Clients that are Python libraries: minio-py, s3fs, pyarrow (C++), boto3's transfers by CRT."""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
import urllib3

from tests.clients.client import MissingClient
from tests.servers.boto3_script import BODY, LARGE, MIB, Unseekable
from tests.servers.commands import stored
from tests.servers.compare import comparable, digest, headers
from tests.servers.script import Script
from tests.servers.server import REGION
from tests.servers.stage import Side


def minio(side: Side) -> Any:
    """minio-py: put, multipart, a stream without a length, get, copy, compose, tags, presigned."""
    module = _library("minio")
    from minio.commonconfig import ComposeSource, CopySource, Tags  # noqa: PLC0415
    from minio.deleteobjects import DeleteObject  # noqa: PLC0415

    where: dict[str, Any] = {} if side.ca is None else {"ca_certs": str(side.ca)}
    pool = urllib3.PoolManager(retries=False, timeout=60, **where)
    client = module.Minio(
        side.authority,
        access_key=side.key.access_key_id,
        secret_key=side.key.secret_access_key,
        secure=side.is_secure,
        region=REGION,
        http_client=pool,
    )
    b, key, results = side.bucket, "a b+ü!*'() %2F.csv", {}

    def step(name: str, work: Callable[[], Any]) -> None:
        try:
            results[name] = comparable(work(), side)
        except module.error.S3Error as error:
            results[name] = {"error": error.code, "message": comparable(error.message, side)}

    def read(name: str, **how: Any) -> Any:
        answer = client.get_object(b, name, **how)
        try:
            return [digest(answer.read()), headers(dict(answer.headers), side)]
        finally:
            answer.close()
            answer.release_conn()

    def put(name: str, content: io.IOBase, size: int, **how: Any) -> str:
        return str(client.put_object(b, name, content, size, **how).etag)

    meta = {"x-amz-meta-one": "1"}
    with pool:
        step("put", lambda: put(key, io.BytesIO(BODY), len(BODY), metadata=meta))
        step("large", lambda: put("large", io.BytesIO(LARGE), len(LARGE), part_size=5 * MIB))
        step("stream", lambda: put("stream", Unseekable(LARGE), -1, part_size=10 * MIB))
        for name in (key, "large", "stream", "none"):
            step(f"get {name}", partial(read, name))
        step("range", lambda: read("large", offset=17, length=100))
        step("stat", lambda: client.stat_object(b, key).etag)
        step("copy", lambda: client.copy_object(b, "copy", CopySource(b, key)).etag)
        sources = [ComposeSource(b, "large"), ComposeSource(b, "stream")]
        step("compose", lambda: client.compose_object(b, "composed", sources).etag)
        tags = Tags.new_object_tags()
        tags["a b"] = "ü"
        step("tag", lambda: client.set_object_tags(b, key, tags))
        step("tags", lambda: dict(client.get_object_tags(b, key) or {}))
        step("list", lambda: [[o.object_name, o.size] for o in client.list_objects(b)])
        step(
            "presigned",
            lambda: digest(pool.request("GET", client.presigned_get_object(b, key)).data),
        )
        results["stored"] = stored(side)
        gone = [DeleteObject("large"), DeleteObject("none")]
        step("delete", lambda: [error.code for error in client.remove_objects(b, gone)])
        step("left", lambda: [o.object_name for o in client.list_objects(b)])
    return results


def s3fs(side: Side) -> Any:
    """s3fs: a file system, on aiobotocore."""
    module = _library("s3fs")
    fs = module.S3FileSystem(
        key=side.key.access_key_id,
        secret=side.key.secret_access_key,
        endpoint_url=side.url,
        client_kwargs={
            "region_name": REGION,
            "verify": None if side.ca is None else str(side.ca),
        },
        skip_instance_cache=True,
        use_listings_cache=False,
        asynchronous=False,
    )
    root = f"{side.bucket}/a b+ü"
    fs.pipe_file(f"{root}/small", BODY)
    with fs.open(f"{root}/large", "wb", block_size=5 * MIB) as file:
        for at in range(0, len(LARGE), MIB):
            file.write(LARGE[at : at + MIB])
    fs.cp_file(f"{root}/small", f"{root}/copied")
    fs.touch(f"{root}/empty")
    with fs.open(f"{root}/large", "rb", block_size=MIB) as file:
        file.seek(3 * MIB + 1)
        middle = file.read(100)
    results = {
        "middle": middle,
        "large": fs.cat_file(f"{root}/large"),
        "tail": fs.tail(f"{root}/small", 10),
        "found": {name: info["size"] for name, info in fs.find(root, detail=True).items()},
        "size": fs.size(f"{root}/large"),
        "exists": [fs.exists(f"{root}/small"), fs.exists(f"{root}/none")],
        "stored": stored(side),
    }
    fs.rm([f"{root}/small", f"{root}/copied"])
    results["left"] = fs.ls(root, detail=False)
    found = comparable(results, side)
    module.S3FileSystem.close_session(fs.loop, fs.s3)
    # keys of the listing hold the bucket
    found["found"] = {name.replace(side.bucket, ""): size for name, size in found["found"].items()}
    return found


def pyarrow(side: Side) -> Any:
    """pyarrow: the C++ SDK. Each write is a multipart upload with CRC64NVME in trailers."""
    module = _library("pyarrow.fs")
    more: dict[str, Any] = {} if side.ca is None else {"tls_ca_file_path": str(side.ca)}
    fs = module.S3FileSystem(
        access_key=side.key.access_key_id,
        secret_key=side.key.secret_access_key,
        endpoint_override=side.authority,
        scheme="https" if side.is_secure else "http",
        region=REGION,
        **more,
    )
    root = f"{side.bucket}/a b+ü"
    for name, content in {"small": BODY, "large": LARGE, "empty": b""}.items():
        with fs.open_output_stream(f"{root}/{name}", metadata={"Content-Type": "a/b"}) as stream:
            stream.write(content)
    with fs.open_input_file(f"{root}/large") as file:
        file.seek(7 * MIB)
        middle = file.read(100)
    with fs.open_input_stream(f"{root}/large") as stream:
        large = stream.read()
    fs.copy_file(f"{root}/small", f"{root}/copied")
    listed = fs.get_file_info(module.FileSelector(root, recursive=True))
    none = fs.get_file_info(f"{root}/none")
    found = {
        "middle": middle,
        "large": large,
        "listed": sorted([info.base_name, info.size] for info in listed),
        "none": str(none.type),
        "stored": stored(side),
    }
    fs.delete_file(f"{root}/small")
    fs.delete_dir_contents(root)
    return comparable({**found, "left": sorted(stored(side))}, side)


def crt(side: Side) -> Any:
    """boto3's transfers by CRT: aws-chunked with a Content-Length, Expect without waiting.

    It is s3transfer's own manager, which boto3 uses: boto3's way to it (boto3/crt.py, 1.43) takes
    neither an endpoint nor a CA, and the system's CAs are not a test's to change.
    """
    module = _library("s3transfer.crt")
    from awscrt.auth import AwsCredentialsProvider  # noqa: PLC0415

    credentials = AwsCredentialsProvider.new_static(
        side.key.access_key_id, side.key.secret_access_key
    )
    client = module.create_s3_crt_client(
        REGION,
        credentials,
        num_threads=1,
        use_ssl=side.is_secure,
        verify=None if side.ca is None else str(side.ca),
    )
    arguments = {"endpoint_url": side.url, "region_name": REGION}
    serializer = module.BotocoreCRTRequestSerializer(botocore.session.Session(), arguments)
    path = side.folder / "large"
    path.write_bytes(LARGE)
    results: dict[str, Any] = {}
    with module.CRTTransferManager(client, serializer) as manager:
        sent: dict[str, Any] = {
            "small": io.BytesIO(BODY),
            "a b+ü": io.BytesIO(LARGE),
            "file": str(path),
            "stream": io.BufferedReader(Unseekable(LARGE)),
        }
        for key, source in sent.items():
            manager.upload(source, side.bucket, key).result()
        sha = {"ChecksumAlgorithm": "SHA256"}
        manager.upload(str(path), side.bucket, "sha", extra_args=sha).result()
        for key in (*sent, "sha"):
            target = io.BytesIO()
            manager.download(side.bucket, key, target).result()
            results[key] = digest(target.getvalue())
        results["stored"] = stored(side)
        manager.delete(side.bucket, "small").result()
        results["left"] = sorted(stored(side))
    return results


def _library(name: str) -> Any:
    try:
        module: Any = __import__(name, fromlist=["*"])
    except ImportError as fault:
        raise MissingClient(f"{name} is not installed: pip install -e '.[servers]'") from fault
    return module


LIBRARIES = {
    "minio-py": Script(minio, ("NoSuchKey",)),
    "s3fs": Script(s3fs),
    "pyarrow": Script(pyarrow),
    "boto3-crt": Script(crt),
}
