# METADATA
# title: Organisation settings and the catalogue, total
# description: |
#   `data.org` is what the organisation writes, `data.inventory.catalog` is what ships. The mode of
#   a rule is looked up here and nowhere else.
package inventory.lib.settings

default org := {}

org := data.org if is_object(data.org)

default catalog := {}

catalog := data.inventory.catalog if is_object(data.inventory.catalog)

# Whether a violation refuses. Anything that is not exactly observe enforces.
default enforcement := "enforce"

enforcement := "observe" if object.get(org, "enforcement", "enforce") == "observe"

# The rule's parameter: as set, else the member of the organisation that the catalogue names, else
# the catalogue's default, else null.
parameter(id, name) := object.get(
	org, ["inventory", "rules", id, name],
	object.get(
		org, [object.get(catalog, [id, "parameters", name, "from"], "")],
		object.get(catalog, [id, "parameters", name, "default"], null),
	),
)

# The mode in force. Anything that is not exactly warn, dryrun or off enforces.
mode(id) := set_mode if {
	set_mode := object.get(org, ["inventory", "rules", id, "mode"], null)
	set_mode != null
} else := "off" if {
	object.get(catalog, [id, "mode"], "deny") == "off"
} else := "off" if {
	object.get(catalog, [id, "mode"], "deny") == "param"
	not _parameters_given(id)
} else := "warn" if {
	object.get(catalog, [id, "mode"], "deny") == "warn"
	not _general in {"dryrun", "off"}
} else := _general

# One word softens a whole roll-out, but it never hardens a rule that ships as a warning.
_general := object.get(org, ["inventory", "defaults", "mode"], "deny")

_parameters_given(id) if {
	required := [name |
		some name, entry in object.get(catalog, [id, "parameters"], {})
		object.get(entry, "required", false) == true
	]
	every name in required {
		parameter(id, name) != null
	}
}
