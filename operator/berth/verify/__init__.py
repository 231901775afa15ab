"""A second opinion on every child before it is written: default deny, and not one line shared with rendering."""
