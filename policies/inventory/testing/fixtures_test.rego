# METADATA
# title: Fixtures for the tests of the rules
# description: The name ends in _test so that the bundle leaves this file out.
package inventory.testing

bucket_destination := "/configuration/Destination/S3BucketDestination"

key_arn := "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"

# Values that stand where another type is expected.
misfits := [null, true, 7, "", "text", [], ["text"], {}, {"a": "text"}]

# A PUT about which no rule has anything to say.
put := {
	"schema": "inventory.input/1",
	"action": "s3:PutInventoryConfiguration",
	"request": {
		"id": "R1",
		"configuration_id": "daily",
		"api": "PutBucketInventoryConfiguration",
		"method": "PUT",
		"region": "eu-central-1",
		"source_ip": "192.0.2.7",
		"user_agent": "Boto3",
		"expected_bucket_owner": "",
		"dry_run": false,
	},
	"principal": {
		"authenticated": true,
		"name": "team-data",
		"method": "sigv4-header",
		"access_key_id": "GWEXAMPLE",
		"account": "111122223333",
		"arn": "",
		"groups": [],
		"tags": {},
	},
	"source": {
		"bucket": "acme-orders",
		"arn": "arn:aws:s3:::acme-orders",
		"region": "eu-central-1",
		"account": "111122223333",
		"known": true,
		"facts_age_seconds": 3,
	},
	"destination": {
		"bucket": "acme-inventory",
		"arn": "arn:aws:s3:::acme-inventory",
		"region": "eu-central-1",
		"account": "444455556666",
		"known": true,
		"facts_age_seconds": 3,
		"owner_verified": true,
	},
	"configuration": {
		"Destination": {"S3BucketDestination": {
			"AccountId": "444455556666",
			"Bucket": "arn:aws:s3:::acme-inventory",
			"Format": "Parquet",
			"Prefix": "inventory/acme-orders",
			"Encryption": {"SSEKMS": {"KeyId": key_arn}},
		}},
		"IsEnabled": true,
		"Id": "daily",
		"IncludedObjectVersions": "Current",
		"OptionalFields": ["Size", "ETag"],
		"Schedule": {"Frequency": "Daily"},
	},
	"environment": {"time_ns": 1795176000000000000, "gateway": "gw-1", "mode": "enforce", "stage": "test"},
}

delete := object.union(
	object.remove(put, ["configuration", "destination"]),
	{"action": "s3:DeleteInventoryConfiguration", "previous_configuration": put.configuration},
)

# The PUT with one member set, named by a JSON pointer.
set(path, value) := json.patch(put, [{"op": "add", "path": path, "value": value}])

# The PUT with one member taken out.
unset(path) := json.patch(put, [{"op": "remove", "path": path}])

# The PUT with one member of the destination set.
destined(member, value) := set(concat("/", [bucket_destination, member]), value)

# The PUT with more, or other, members: objects are merged.
merged(members) := object.union(put, members)

# Settings that set one parameter or the mode of one rule.
settings(id, values) := {"revision": "test", "inventory": {"rules": {id: values}}}
