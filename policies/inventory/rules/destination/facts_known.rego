# METADATA
# title: "INV016: the facts of both buckets are known"
# description: |
#   The finding about the destination points at its ARN; the one about the source points at the
#   whole configuration, which does not name its source.
package inventory.rules.destination.facts_known

import data.inventory.lib.document

id := "INV016"

findings contains {"rule": id, "path": path} if {
	not document.removes
	some bucket, path in {"source": "", "destination": "/Destination/S3BucketDestination/Bucket"}
	not _known(bucket)
}

_known(bucket) if document.at([bucket, "known"]) == true
