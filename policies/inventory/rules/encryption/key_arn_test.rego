package inventory.rules.encryption.key_arn_test

import data.inventory.rules.encryption.key_arn
import data.inventory.testing

found := {{"rule": "INV004", "path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId"}}

keyed(key) := testing.destined("Encryption", {"SSEKMS": {"KeyId": key}})

test_allows_full_key_arns if {
	every key in [
		testing.key_arn,
		"arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/mrk-1111aaaa22bb33cc44dd5555eeee6666",
		"arn:aws-cn:kms:cn-north-1:444455556666:key/a",
	] {
		count(key_arn.findings) == 0 with input as keyed(key)
	}
}

test_allows_where_no_key_is_named if {
	count(key_arn.findings) == 0 with input as testing.destined("Encryption", {"SSES3": {}})
	count(key_arn.findings) == 0 with input as testing.delete
}

test_denies_everything_else if {
	every key in [
		"1111aaaa-22bb-33cc-44dd-5555eeee6666",
		"alias/inventory",
		"arn:aws:kms:eu-central-1:444455556666:alias/inventory",
		"arn:aws:kms:eu-central-1:444455556666:key/",
		"arn:aws:kms:eu-central-1:444455556666:key/a/b",
		"arn:aws:kms:eu-central-1:444455556666:key-a",
		"arn:aws:kms:eu-central-1:444455556666:aliasa",
		"arn:aws:kms:eu-central-1:444455556666:key/a b",
		"arn:aws:kms:eu-central-1:444455556666:key/a:b",
		"arn:aws:kms:eu-central-1:44445555666:key/a",
		"arn:aws:kms:eu-central-1:000000000000:key/a",
		"arn:aws:kms::444455556666:key/a",
		"arn:aws:kms:EU:444455556666:key/a",
		"arn:aws:s3:eu-central-1:444455556666:key/a",
		"arn:gcp:kms:eu-central-1:444455556666:key/a",
		"arn:aws2:kms:eu-central-1:444455556666:key/a",
		"xarn:aws:kms:eu-central-1:444455556666:key/a",
		concat("", [testing.key_arn, "\n"]),
		concat("", [testing.key_arn, "\u0000"]),
		concat("", ["arn:aws:kms:eu-central-1:444455556666:key/", concat("", [x | some _ in numbers.range(1, 2048); x := "a"])]),
	] {
		key_arn.findings == found with input as keyed(key)
	}
}

test_denies_misfits if {
	every misfit in testing.misfits {
		key_arn.findings == found with input as keyed(misfit)
		key_arn.findings == found with input as testing.destined("Encryption", {"SSEKMS": misfit})
	}
}
