#!/bin/sh
# A shell script as somebody's image has it: no user, a loop.
trap 'exit 0' TERM
while :; do echo "$(date) still here"; sleep 1 & wait $!; done
