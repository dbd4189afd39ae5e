# METADATA
# title: "INV056: the request names the expected owner of the source bucket"
# description: Removals are judged as well. S3 compares the header with the owner and refuses others.
package inventory.rules.governance.owner_expected

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV056"

findings contains {"rule": id, "path": ""} if {
	not globs.miss(settings.parameter(id, "buckets"), document.source_bucket)
	not text.account_id(document.at(["request", "expected_bucket_owner"]))
}
