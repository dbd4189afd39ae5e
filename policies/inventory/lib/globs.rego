# METADATA
# title: Globs, total
# description: |
#   Patterns come from settings. A list that is no list of strings, or a pattern that cannot be read,
#   neither lets something pass nor takes something out of a rule's reach.
package inventory.lib.globs

# One of the patterns matches.
match(patterns, value) if {
	is_array(patterns)
	is_string(value)
	some pattern in patterns
	is_string(pattern)
	glob.match(pattern, null, value)
}

# Provably none of them matches. A pattern that cannot be read has no answer, so that this fails.
miss(patterns, value) if {
	is_array(patterns)
	count(patterns) > 0
	is_string(value)
	value != ""
	every pattern in patterns {
		is_string(pattern)
		glob.match(pattern, null, value) == false
	}
}
