# METADATA
# title: "INV055: the destination is not changed in place"
# description: |
#   Overwriting an id redirects its reports without a trace for who reads them. An AccountId may be
#   added: a bucket's name belongs to one account.
package inventory.rules.governance.destination_kept

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV055"

findings contains {"rule": id, "path": path} if {
	not document.removes
	not globs.miss(settings.parameter(id, "buckets"), document.source_bucket)
	some member in ["Bucket", "Prefix"]
	not _kept(member)
	path := concat("/", ["/Destination/S3BucketDestination", member])
}

# Null says that there was nothing; a member that is absent says that nobody looked.
_kept(_) if object.get(document.document, "previous_configuration", "unknown") == null

_kept(member) if {
	before := object.get(
		document.document, ["previous_configuration", "Destination", "S3BucketDestination"],
		null,
	)
	is_object(before)
	object.get(before, member, "") == object.get(document.bucket_destination, member, "")
}
