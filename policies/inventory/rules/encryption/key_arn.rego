# METADATA
# title: "INV004: the KMS key is named by its full ARN"
# description: |
#   A bare key id means a key in one account or another, and an alias can be pointed elsewhere
#   after the decision.
package inventory.rules.encryption.key_arn

import data.inventory.lib.document
import data.inventory.lib.text

id := "INV004"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId",
} if {
	not document.removes
	"SSEKMS" in object.keys(document.encryption)
	not text.kms_key_arn(object.get(document.encryption, ["SSEKMS", "KeyId"], ""))
}
