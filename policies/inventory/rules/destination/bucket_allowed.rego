# METADATA
# title: "INV013: the destination bucket is on the allow-list"
# description: The name is the gateway's own reading of the ARN, the one it looks up.
package inventory.rules.destination.bucket_allowed

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV013"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Bucket",
	"allowed": text.strings(settings.parameter(id, "buckets")),
} if {
	not document.removes
	not globs.match(settings.parameter(id, "buckets"), document.at(["destination", "bucket"]))
}
