package inventory.rules.encryption.key_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.encryption.key_allowed
import data.inventory.testing

path := "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId"

list := ["arn:aws:kms:*:444455556666:key/*"]

found := {{"rule": "INV003", "path": path, "allowed": list}}

org := testing.settings("INV003", {"keys": list})

keyed(key) := testing.destined("Encryption", {"SSEKMS": {"KeyId": key}})

test_allows_listed_keys if {
	every key in [testing.key_arn, "arn:aws:kms:us-east-1:444455556666:key/a"] {
		count(key_allowed.findings) == 0 with input as keyed(key) with data.org as org
	}
}

test_allows_where_no_key_is_named if {
	count(key_allowed.findings) == 0 with input as testing.destined("Encryption", {"SSES3": {}}) with data.org as org
	count(key_allowed.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_other_keys if {
	every key in [
		"arn:aws:kms:eu-central-1:999988887777:key/a",
		"arn:aws:kms:eu-central-1:999988887777:key/a:444455556666:key/a",
		"arn:aws:kms:eu-central-1:444455556666:alias/a",
		"alias/a",
		concat("", [testing.key_arn, "\n"]),
	] {
		key_allowed.findings == found with input as keyed(key) with data.org as org
	}
}

test_a_star_does_not_vouch_for_what_is_no_key if {
	everything := testing.settings("INV003", {"keys": ["*"]})
	count(key_allowed.findings) == 0 with input as keyed(testing.key_arn) with data.org as everything
	count(key_allowed.findings) == 1 with input as keyed("alias/a") with data.org as everything
}

test_is_off_without_its_parameter if {
	settings.mode(key_allowed.id) == "off"
	key_allowed.findings == {{"rule": "INV003", "path": path, "allowed": []}} with input as testing.put
}

test_denies_misfits if {
	every misfit in testing.misfits {
		key_allowed.findings == found with input as keyed(misfit) with data.org as org
		key_allowed.findings == found with input as testing.destined("Encryption", {"SSEKMS": misfit}) with data.org as org
		other := testing.settings("INV003", {"keys": misfit})
		count(key_allowed.findings) == 1 with input as testing.put with data.org as other
	}
}
