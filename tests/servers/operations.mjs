// Objects as the AWS SDK for JavaScript sends and reads them, lib-storage included. Takes
//   {"endpoint", "region", "bucket", "file"}
// on standard input and prints what each step came to: {"step": {...}, ...}.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

const require = createRequire(`${process.env.MODULES}/package.json`);
const s3 = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
const { Upload } = require("@aws-sdk/lib-storage");

const order = JSON.parse(await text(process.stdin));
const options = {
  endpoint: order.endpoint,
  region: order.region,
  forcePathStyle: true,
  maxAttempts: 1,
};
const client = new s3.S3Client(options);
const relaxed = new s3.S3Client({ ...options, requestChecksumCalculation: "WHEN_REQUIRED" });
const Bucket = order.bucket;
const large = readFileSync(order.file);
const small = Buffer.from("key,size\r\n".repeat(1000));
const results = {};

const sha = (bytes) => `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex")}`;

async function step(name, work) {
  try {
    const { $metadata, Body, ...rest } = await work();
    results[name] = { status: $metadata?.httpStatusCode, ...rest };
    if (Body) results[name].body = sha(Buffer.from(await Body.transformToByteArray()));
  } catch (error) {
    results[name] = { error: error.name, status: error.$metadata?.httpStatusCode };
  }
  // the codes that name one answer only
  if (results[name].LastModified) results[name].LastModified = "<time>";
}
const send = (name, command, input = {}, by = client) =>
  step(name, () => by.send(new s3[`${command}Command`]({ Bucket, ...input })));

const Key = "a b+ü!*'() %2F.csv";
await send("put", "PutObject", { Key, Body: small, ContentType: "text/csv", Metadata: { one: "1" } });
await send("get", "GetObject", { Key });
await send("range", "GetObject", { Key, Range: "bytes=5-9" });
await send("head", "HeadObject", { Key });
await send("not modified", "GetObject", { Key, IfNoneMatch: results.head.ETag });
await send("failed condition", "PutObject", { Key, Body: small, IfNoneMatch: "*" });
for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
  const given = { Key: ChecksumAlgorithm, Body: small, ChecksumAlgorithm };
  await send(`put ${ChecksumAlgorithm}`, "PutObject", given);
  await send(`get ${ChecksumAlgorithm}`, "GetObject", { Key: ChecksumAlgorithm });
}
const stream = () => createReadStream(order.file);
const ContentLength = large.length;
await send("put a stream", "PutObject", { Key: "stream", Body: stream(), ContentLength });
await send("get a stream", "GetObject", { Key: "stream" });
await send("put relaxed", "PutObject", { Key: "relaxed", Body: stream(), ContentLength }, relaxed);
await send("get relaxed", "GetObject", { Key: "relaxed" });
await step("upload", () =>
  new Upload({ client, params: { Bucket, Key: "upload", Body: stream() } }).done(),
);
await send("get upload", "GetObject", { Key: "upload" });
await step("upload of a pipe", () => {
  const Body = Readable.from([small, large]);
  return new Upload({ client, params: { Bucket, Key: "pipe", Body } }).done();
});
await send("get pipe", "GetObject", { Key: "pipe" });
await send("copy", "CopyObject", { Key: "copy", CopySource: `${Bucket}/${encodeURIComponent(Key)}` });
await send("list 1", "ListObjects", { MaxKeys: 3 });
await send("list 2", "ListObjectsV2", { EncodingType: "url" });
await send("tag", "PutObjectTagging", { Key, Tagging: { TagSet: [{ Key: "a b", Value: "ü" }] } });
await send("tags", "GetObjectTagging", { Key });
const signed = new s3.PutObjectCommand({ Bucket, Key: "signed" });
const put = { method: "PUT", body: small };
for (const [name, by, command, init] of [
  ["presigned get", relaxed, new s3.GetObjectCommand({ Bucket, Key }), {}],
  ["presigned put", relaxed, signed, put],
  // by default with the CRC32 of no bytes in the query
  ["presigned put with a checksum", client, signed, put],
]) {
  const url = await getSignedUrl(by, command, { expiresIn: 300 });
  const answer = await fetch(url, init);
  results[name] = { status: answer.status, body: sha(Buffer.from(await answer.arrayBuffer())) };
}
await send("get signed", "GetObject", { Key: "signed" });
await send("none", "GetObject", { Key: "no such" });
await send("delete many", "DeleteObjects", { Delete: { Objects: [{ Key }, { Key: "no such" }] } });
console.log(JSON.stringify(results));
client.destroy();
relaxed.destroy();
