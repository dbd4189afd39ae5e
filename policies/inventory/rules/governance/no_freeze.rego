# METADATA
# title: "INV052: no change during a freeze"
# description: |
#   Removals are judged as well. A window runs from starts_ns up to, and without, ends_ns; one that
#   cannot be read, or ends before it starts, is always open.
package inventory.rules.governance.no_freeze

import data.inventory.lib.document
import data.inventory.lib.settings

id := "INV052"

findings contains {"rule": id, "path": ""} if not _thawed

_thawed if {
	windows := settings.parameter(id, "windows")
	is_array(windows)
	now := document.at(["environment", "time_ns"])
	is_number(now)
	every window in windows {
		_outside(window, now)
	}
}

_outside(window, now) if {
	is_number(window.starts_ns)
	is_number(window.ends_ns)
	window.starts_ns < window.ends_ns
	not _within(window, now)
}

_within(window, now) if {
	window.starts_ns <= now
	now < window.ends_ns
}
