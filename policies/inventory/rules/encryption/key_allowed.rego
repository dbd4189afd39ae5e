# METADATA
# title: "INV003: the KMS key is on the allow-list"
# description: |
#   Only a full key ARN is compared: its parts are counted, so that no part of a pattern can swallow
#   a colon and vouch for another account's key.
package inventory.rules.encryption.key_allowed

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV003"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId",
	"allowed": text.strings(settings.parameter(id, "keys")),
} if {
	not document.removes
	"SSEKMS" in object.keys(document.encryption)
	not _allowed
}

_allowed if {
	text.kms_key_arn(document.kms_key)
	globs.match(settings.parameter(id, "keys"), document.kms_key)
}
