// One call of the AWS SDK for JavaScript, told and answered in JSON:
//   {"endpoint", "region", "command": "ListObjectsV2", "input": {...}, "body": base64, "presign": true}
// gives {"output": {...}, "body": base64}, {"url"} or {"error": {"code", "shown"}}.
import { text } from "node:stream/consumers";
import * as s3 from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const order = JSON.parse(await text(process.stdin));
const client = new s3.S3Client({
  endpoint: order.endpoint,
  region: order.region,
  forcePathStyle: true,
});
const input = { ...order.input };
if (order.body !== undefined) input.Body = Buffer.from(order.body, "base64");
const command = new s3[`${order.command}Command`](input);

async function answer() {
  if (order.presign) return { url: await getSignedUrl(client, command, { expiresIn: 300 }) };
  try {
    const { $metadata, Body, ...output } = await client.send(command);
    const bytes = Body && Buffer.from(await Body.transformToByteArray());
    return { output, body: bytes?.toString("base64") };
  } catch (error) {
    if (!(error instanceof s3.S3ServiceException)) throw error;
    return { error: { code: error.name, shown: String(error) } };
  }
}

console.log(JSON.stringify(await answer()));
client.destroy();
