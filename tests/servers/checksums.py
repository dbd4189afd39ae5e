"""Every checksum that S3 knows: in a header over plain text, in a trailer over TLS."""

from typing import Any

from tests.servers.boto3_script import BODY, LARGE, MIB, Boto, script
from tests.servers.script import Script

#: Each with a value that is well-formed, but not the content's.
_WRONG = {
    "CRC32": "AAAAAA==",
    "CRC32C": "AAAAAA==",
    "CRC64NVME": "AAAAAAAAAAA=",
    "SHA1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "SHA256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


def _with_algorithm(algorithm: str) -> Script:
    def use(s3: Boto) -> Any:
        name = f"Checksum{algorithm}"
        with_mode = {"Key": "a", "ChecksumMode": "ENABLED"}
        kind = {"ChecksumType": "FULL_OBJECT"} if algorithm.startswith("CRC") else {}
        found = [
            s3("put_object", Key="a", Body=BODY, ChecksumAlgorithm=algorithm),
            s3("head_object", **with_mode),
            s3("get_object", **with_mode),
            s3("put_object", Key="b", Body=BODY, **{name: _WRONG[algorithm]}),
            s3("head_object", Key="b"),
        ]
        where = {"Bucket": s3.side.bucket, "Key": "m"}
        upload = s3.s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, **kind)
        one = {"Key": "m", "UploadId": upload["UploadId"]}
        parts = []
        for number, body in enumerate((LARGE[: 5 * MIB], BODY), 1):
            sent = s3(
                "upload_part", **one, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm
            )
            parts.append({"PartNumber": number, "ETag": sent.get("ETag"), name: sent.get(name)})
            found.append(sent)
        given = [{key: value for key, value in part.items() if value} for part in parts]
        found.append(s3("complete_multipart_upload", **one, MultipartUpload={"Parts": given}))
        return [*found, s3("get_object", Key="m", ChecksumMode="ENABLED")]

    return script(use, "BadDigest", "404")


OPERATIONS = {algorithm: _with_algorithm(algorithm) for algorithm in _WRONG}
