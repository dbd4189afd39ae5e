# METADATA
# title: "INV019: the KMS key's policy lets S3 encrypt"
# description: |
#   Without kms:GenerateDataKey for s3.amazonaws.com the report never arrives. Asked only where the
#   report is encrypted with a key.
package inventory.rules.destination.key_policy_allows

import data.inventory.lib.document
import data.inventory.lib.settings

id := "INV019"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId"} if {
	not document.removes
	"SSEKMS" in object.keys(document.encryption)
	not _allowed
	not _may_be_unknown
}

_allowed if document.at(["destination", "key_policy", "allowed"]) == true

# Advice about what could not be read would only teach people to overlook advice.
_may_be_unknown if {
	document.at(["destination", "key_policy"]) == null
	settings.parameter(id, "require_known") == false
}
