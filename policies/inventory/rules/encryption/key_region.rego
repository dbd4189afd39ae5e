# METADATA
# title: "INV005: the KMS key is in the destination's Region"
# description: |
#   S3 cannot encrypt with a key of another Region, and says so only by never delivering. What is no
#   key ARN is left to INV004: one cause, one reason to read.
package inventory.rules.encryption.key_region

import data.inventory.lib.document
import data.inventory.lib.text

id := "INV005"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId",
} if {
	not document.removes
	text.kms_key_arn(document.kms_key)
	not _same_region(document.kms_key)
}

_same_region(key) if split(key, ":")[3] == document.at(["destination", "region"])
