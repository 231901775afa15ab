"""Decision -> children as plain objects (server-side apply configurations). Pure; one file per kind of child."""
