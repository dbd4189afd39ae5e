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
parameter(id, name) := value if {
	value := _rules[id][name]
} else := value if {
	value := org[catalog[id].parameters[name].from]
} else := object.get(catalog, [id, "parameters", name, "default"], null)

_rules := object.get(org, ["inventory", "rules"], {})

# The mode in force. Anything that is not exactly warn, dryrun or off enforces.
mode(id) := set_mode if {
	set_mode := _rules[id].mode
	set_mode != null
} else := "off" if {
	catalog[id].mode == "off"
} else := "off" if {
	catalog[id].mode == "param"
	not _parameters_given(id)
} else := "warn" if {
	catalog[id].mode == "warn"
	not _general in {"dryrun", "off"}
} else := _general

# One word softens a whole roll-out, but it never hardens a rule that ships as a warning.
_general := object.get(org, ["inventory", "defaults", "mode"], "deny")

_parameters_given(id) if {
	every name, entry in object.get(catalog, [id, "parameters"], {}) {
		_optional_or_given(id, name, entry)
	}
}

_optional_or_given(_, _, entry) if not _required(entry)

_optional_or_given(id, name, _) if parameter(id, name) != null

_required(entry) if object.get(entry, "required", false) == true
