# METADATA
# title: Strings, without regular expressions
# description: |
#   `trim` leaves nothing exactly when all characters are of the given alphabet: linear, and far
#   cheaper than compiling an expression for every decision.
package inventory.lib.text

digits := "0123456789"

lower := "abcdefghijklmnopqrstuvwxyz"

upper := "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# A text that has at least one character, all of them in the alphabet.
made_of(value, alphabet) if {
	is_string(value)
	value != ""
	trim(value, alphabet) == ""
}

filled(value) if {
	is_string(value)
	value != ""
}

# What a list of settings allows, for people to read.
strings(values) := sort([value |
	is_array(values)
	some value in values
	is_string(value)
])

# One of the strings of a list.
listed(values, value) if {
	is_array(values)
	is_string(value)
	value in values
}

account_id(value) if {
	made_of(value, digits)
	count(value) == 12
	value != "000000000000"
}

# A count that both engines can reckon with: a whole number of at most 31 bits.
whole(value) if {
	is_number(value)
	value >= 0
	value <= 2147483647
	floor(value) == value
}

# arn:<partition>:kms:<region>:<account>:key/<id>, and nothing else: no alias, no bare key id.
kms_key_arn(value) if {
	is_string(value)
	count(value) <= 2048
	parts := split(value, ":")
	count(parts) == 6
	parts[0] == "arn"
	startswith(parts[1], "aws")
	made_of(parts[1], concat("", [lower, "-"]))
	parts[2] == "kms"
	made_of(parts[3], concat("", [lower, digits, "-"]))
	account_id(parts[4])
	startswith(parts[5], "key/")
	made_of(substring(parts[5], 4, -1), concat("", [lower, upper, digits, "-"]))
}
