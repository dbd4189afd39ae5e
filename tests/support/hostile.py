"""Text of a stranger who means harm: markup, template, quotes, NUL, direction, an escape."""

HOSTILE = (
    "<script>window.harm=1</script><img src=x onerror=window.harm=1>"
    "'\"`&{{7*7}}{% x %}\x00\x1b[31m\u202eevil"
)
